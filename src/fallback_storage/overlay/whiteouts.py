"""Whiteouts: marker files in the upper backend that hide names of the lower ones.

The convention is that of OCI images (image-spec, layer.md): ``dir/.wh.name`` hides ``dir/name``.
They travel with the files, and need no database.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from contextlib import nullcontext

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile

from fallback_storage import names
from fallback_storage.backend.backend import Backend
from fallback_storage.combined.attempts import Attempts
from fallback_storage.combined.members import Members
from fallback_storage.errors import NameChangedError, ReadOnlyStorageError, StorageUnavailable
from fallback_storage.outcomes import Outcome

PREFIX = ".wh."
# No file of a user begins with ".wh.", so that no whiteout begins with this.
_PRIVATE = ".wh..wh."
# What a name that is too long has for its whiteout.
_HASHED = re.compile(r"\.wh\.\.wh\.[0-9a-f]{64}")
# The longest name of a file, in bytes, on the file systems in use.
_NAME_MAX = 255


def marker(name: str) -> str:
    """Return the name of the whiteout of ``name``; of a name too long for it, a hash of that.

    A hashed whiteout is its own: which name it hides is not always known.
    """
    directory, base = os.path.split(name)
    if _HASHED.fullmatch(base):
        return name
    whiteout = PREFIX + base
    if len(os.fsencode(whiteout)) > _NAME_MAX:
        whiteout = _PRIVATE + hashlib.sha256(os.fsencode(base)).hexdigest()
    return os.path.join(directory, whiteout)


def is_leftover(base: str) -> bool:
    """Return whether a name is that of a temporary file, and of no whiteout."""
    return base.startswith(_PRIVATE) and not _HASHED.fullmatch(base)


def hidden(directory: str, whiteout: str, names: Iterable[str]) -> str:
    """Return the name that a whiteout hides; of a hashed one the one of ``names``, or its own."""
    if not whiteout.startswith(_PRIVATE):
        return os.path.join(directory, whiteout.removeprefix(PREFIX))
    whole = os.path.join(directory, whiteout)
    found = (os.path.join(directory, name) for name in names)
    return next((name for name in found if marker(name) == whole), whole)


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


class Whiteouts:
    """The whiteouts in the backend of an overlay that is written."""

    def __init__(self, upper: Backend) -> None:
        self._backend = upper
        # As they are now: a layer around them leaves the whiteouts out.
        self._exists = upper.exists
        self._listdir = upper.listdir

    def hide(self, name: str) -> bool:
        """Return whether one of them hides ``name`` in the lower backends.

        Raises ``StorageUnavailable``: whatever the backend's error means for its own files, none
        says that a name is hidden, or that it is not.
        """
        if "\0" in name:  # The name of a URL alone, which no file can have.
            return False
        try:
            return bool(self._exists(marker(name)))
        except Exception as error:
            raise self._unknown(error, name) from error

    def put(self, name: str) -> None:
        """Put one over ``name``."""
        whiteout = marker(name)
        stored = self._backend.create(whiteout, ContentFile(b""), None)
        if stored not in (None, whiteout):
            raise NameChangedError(
                f"{self._backend.name} stored the whiteout {whiteout!r} as {stored!r}, where it"
                " hides nothing."
            )

    def markers_in(self, directory: str) -> frozenset[str]:
        """Return the names of the whiteouts in a directory."""
        try:
            _, files = self._listdir(directory)
        except Exception as error:
            if self._backend.outcome_of(error, listing=True) is Outcome.MISSING:
                return frozenset()
            raise self._unknown(error, directory) from error
        return frozenset(name for name in files if name.startswith(PREFIX))

    def _unknown(self, error: Exception, name: str) -> Exception:
        if self._backend.outcome_of(error) is Outcome.REJECTED:
            return error
        failures = {self._backend.name: error}
        return StorageUnavailable(operation="whiteout", name=name, failures=failures)


def delete(members: Members, name: str) -> None:
    """Delete a file for good: what lies in a lower backend is hidden by a whiteout."""
    upper = members.backends[0]
    if upper.read_only:
        raise ReadOnlyStorageError(f"delete({name!r}): {upper.name} is READ_ONLY.")
    attempts = Attempts(members, "delete", name, writing=True)
    try:
        below = any(lower.lacks(name) is not True for lower in members.backends[1:])
        with upper.locked(name) if below else nullcontext():
            found = upper.lacks(name) is not True
            if below:
                # First, so that a crash leaves the file as it was, and never the lower one.
                Whiteouts(upper).put(name)
            if found:  # What is saved from now on is not what was to be deleted.
                _remove(upper, name)
    except Exception as error:
        attempts.failed(upper, error)
        attempts.nobody()


def shield(members: Members, name: str) -> None:
    """Put a whiteout over what a lower backend holds, or may hold."""
    upper, *lowers = members.backends
    if any(lower.lacks(name) is not True for lower in lowers):
        Whiteouts(upper).put(name)


def _remove(upper: Backend, name: str) -> None:
    """Delete a file; one that is not there, or cannot be, is no error."""
    try:
        upper.delete(name)
    except Exception:
        if upper.exists(name):
            raise
