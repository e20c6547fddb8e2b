"""Whiteouts: marker files in the upper backend that hide names of the lower ones.

The convention is that of OCI images (image-spec, layer.md): ``dir/.wh.name`` hides ``dir/name``.
They travel with the files, and need no database.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage

from fallback_storage import names
from fallback_storage.backend.backend import Backend
from fallback_storage.errors import StorageUnavailable
from fallback_storage.outcomes import Outcome

PREFIX = ".wh."
# No file of a user begins with ".wh.", so that no whiteout begins with this.
_PRIVATE = ".wh..wh."
# The longest name of a file, in bytes, on the file systems in use.
_NAME_MAX = 255


def marker(name: str) -> str:
    """Return the name of the whiteout of ``name``; of a name too long for it, a hash of that."""
    directory, base = os.path.split(name)
    whiteout = PREFIX + base
    if len(os.fsencode(whiteout)) > _NAME_MAX:
        whiteout = _PRIVATE + hashlib.sha256(os.fsencode(base)).hexdigest()
    return os.path.join(directory, whiteout)


def file_name(name: object) -> str:
    """Return the canonical name of a file that is no whiteout."""
    return _unreserved(names.file_name(name))


def path_name(name: object) -> str:
    """Return the canonical name of a file or directory that is no whiteout."""
    return _unreserved(names.path_name(name))


def url_name(name: object) -> str:
    """Return ``name`` without leading slashes, if it is no whiteout's."""
    return _unreserved(names.url_name(name))


def _unreserved(name: str) -> str:
    if PREFIX in name and any(part.startswith(PREFIX) for part in name.split("/")):
        raise SuspiciousFileOperation(
            f"{name!r}: names that begin with {PREFIX!r} are kept for the whiteouts of an"
            " OverlayStorage. Give the file another name."
        )
    return name


class Upper(Backend):
    """The backend of an overlay that is written, and holds the whiteouts."""

    def call(self, operation: str, name: str, *args: Any, **kwargs: Any) -> Any:
        answer = super().call(operation, name, *args, **kwargs)
        return _without_reserved(answer) if operation == "listdir" else answer

    @property
    def saves_whole(self) -> bool:
        return self._adapter.stages or super().saves_whole

    def _store(self, name: str, content: File[Any]) -> str:
        """Store a file so that no reader sees half of it, where the storage has a way for that."""
        if not self._adapter.stages:
            return super()._store(name, content)
        if self.overwrites:
            self._refuse_if_read_only("save", name)
            self._ask(
                partial(self._adapter.replace, self.storage, name, content), with_deadline=False
            )
            return name
        candidate = name
        while not self.create(candidate, content):
            candidate = names.alternative_name(name)
        return candidate

    def hides(self, name: str) -> bool:
        """Whether a whiteout hides ``name`` in the lower backends.

        Raises ``StorageUnavailable``: whatever this backend's error means for its own files, none
        says that a name is hidden, or that it is not.
        """
        try:
            return bool(super().call("exists", marker(name)))
        except Exception as error:
            raise self._unknown(error, name) from error

    def hide(self, name: str) -> None:
        """Put a whiteout over ``name``."""
        self.create(marker(name), ContentFile(b""))

    def markers_in(self, directory: str) -> frozenset[str]:
        """Return the names of the whiteouts in a directory."""
        try:
            _, files = super().call("listdir", directory)
        except Exception as error:
            if self.outcome_of(error) is Outcome.MISSING:
                return frozenset()
            raise self._unknown(error, directory) from error
        return frozenset(name for name in files if name.startswith(PREFIX))

    def _unknown(self, error: Exception, name: str) -> Exception:
        if self.outcome_of(error) is Outcome.REJECTED:
            return error
        return StorageUnavailable(operation="whiteout", name=name, failures={self.name: error})

    def remove(self, name: str) -> None:
        """Delete a file; one that is not there, or cannot be, is no error."""
        try:
            self.call("delete", name)
        except Exception:
            if self.call("exists", name):
                raise


def _without_reserved(listing: tuple[list[str], list[str]]) -> tuple[list[str], list[str]]:
    directories, files = listing
    return (
        [name for name in directories if not name.startswith(PREFIX)],
        [name for name in files if not name.startswith(PREFIX)],
    )


class Lower(Backend):
    """A backend of an overlay that is only read, less what the upper's whiteouts hide."""

    def __init__(self, name: str, storage: Storage, *, upper: Upper, **mode: Any) -> None:
        super().__init__(name, storage, **mode | {"read_only": True})
        self._upper = upper

    def call(self, operation: str, name: str, *args: Any, **kwargs: Any) -> Any:
        if operation == "listdir":
            return self._listdir(name)
        if operation in _OF_A_FILE and self._upper.hides(name):
            return self._hidden(operation, name)
        return super().call(operation, name, *args, **kwargs)

    def open_for_reading(self, name: str, mode: str) -> File[Any]:
        if self._upper.hides(name):
            self._hidden("open", name)
        return super().open_for_reading(name, mode)

    def url(self, name: str, keywords: Mapping[str, Any]) -> str:
        hidden = self._upper.hides(name)
        return self._upper.url(name, keywords) if hidden else super().url(name, keywords)

    def _listdir(self, directory: str) -> tuple[list[str], list[str]]:
        directories, files = _without_reserved(super().call("listdir", directory))
        markers = self._upper.markers_in(directory)
        return [d for d in directories if marker(d) not in markers], [
            f for f in files if marker(f) not in markers
        ]

    def _hidden(self, operation: str, name: str) -> bool:
        if operation == "exists":
            return False
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


_OF_A_FILE = frozenset(
    {
        "exists",
        "open",
        "path",
        "size",
        "get_accessed_time",
        "get_created_time",
        "get_modified_time",
    }
)
