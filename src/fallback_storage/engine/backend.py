"""One configured member of a combined storage, and the boundary around it."""

from __future__ import annotations

import inspect
import io
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, BinaryIO, cast

from django.core.files.base import File
from django.core.files.storage import Storage

from fallback_storage.engine import disk
from fallback_storage.engine.adapter import Unless
from fallback_storage.engine.adapters import adapter_for, overwrites
from fallback_storage.engine.outcomes import Outcome, classify
from fallback_storage.errors import NameChangedError, ReadOnlyStorageError, UnsupportedOperation

_MUTATING = frozenset({"save", "_save", "delete"})


def writes(mode: str) -> bool:
    """Whether a file opened in ``mode`` can be changed."""
    return mode not in {"rb", "r"} and not set(mode).isdisjoint("wax+")


def _changes(operation: str, args: Sequence[Any]) -> bool:
    return operation in _MUTATING or (operation == "open" and writes(args[0]))


class Backend:
    """A storage with its name and mode. Whatever is asked of the storage passes through here."""

    def __init__(
        self, name: str, storage: Storage, *, read_only: bool, denied_is_missing: bool
    ) -> None:
        self.name = name
        self.storage = storage
        self.read_only = read_only
        self._denied_is_missing = denied_is_missing
        self._adapter = adapter_for(storage)
        #: The operations that need a second look: one set, as most need none.
        self._watched = self._adapter.replaces | (_MUTATING | {"open"} if read_only else set())

    def __repr__(self) -> str:
        mode = "read-only" if self.read_only else "writable"
        return f"<Backend {self.name!r}: {type(self.storage).__qualname__}, {mode}>"

    @property
    def overwrites(self) -> bool:
        """Whether a save on a taken name replaces the file, by its owner's wish."""
        return overwrites(self.storage)

    @property
    def saves_whole(self) -> bool:
        """Whether a save that fails leaves nothing behind, and an earlier file as it was."""
        return self._adapter.saves_whole

    def call(self, operation: str, name: str, *args: Any, **kwargs: Any) -> Any:
        """Ask the storage; a read-only one is asked nothing that changes it.

        Raises ``ReadOnlyStorageError``, ``UnsupportedOperation`` where the storage has no such
        method, and whatever the storage raises.
        """
        if operation in self._watched:
            if _changes(operation, args):
                self._refuse_if_read_only(operation, name)
            if operation in self._adapter.replaces:
                return getattr(self._adapter, operation)(self.storage, name, *args, **kwargs)
        method = getattr(self.storage, operation, None)
        if method is None:
            raise UnsupportedOperation(f"{self.name} has no {operation}({name!r}).")
        return method(name, *args, **kwargs)

    def _refuse_if_read_only(self, operation: str, name: str) -> None:
        if self.read_only:
            raise ReadOnlyStorageError(f"{self.name} is read-only: no {operation}({name!r}).")

    def outcome_of(self, error: Exception, *, writing: bool = False) -> Outcome:
        """Return what ``error``, just raised by this backend, says."""
        self._adapter.after_error(self.storage)
        if self._adapter.says_missing(error):
            return Outcome.FAILED if writing else Outcome.MISSING
        outcome = classify(error, writing=writing)
        if outcome is Outcome.DENIED and self._denied_is_missing and not writing:
            return Outcome.MISSING
        return outcome

    def url(self, name: str, keywords: Mapping[str, Any]) -> str:
        """Return the storage's URL, made with those of ``keywords`` that its signature has."""
        if keywords and not self._url_takes_any:
            keywords = {k: v for k, v in keywords.items() if k in self._url_parameters}
        url: str = self.call("url", name, **keywords)
        return url

    @cached_property
    def _url_parameters(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self.storage.url).parameters

    @cached_property
    def _url_takes_any(self) -> bool:
        kinds = {parameter.kind for parameter in self._url_parameters.values()}
        return inspect.Parameter.VAR_KEYWORD in kinds

    def open_for_reading(self, name: str, mode: str) -> File[Any]:
        """Open a file that is known to exist: one whose class asks only when read is touched."""
        file: File[Any] = self.call("open", name, mode)
        if self._adapter.proves_open(file):
            return file
        return self._touched(file, name, mode)

    def _touched(self, file: File[Any], name: str, mode: str) -> File[Any]:
        first = file.read(1)
        if "b" not in mode and isinstance(first, bytes):
            binary = cast(BinaryIO, _Binary(self._rewound(file, name, "rb")))
            return File(io.TextIOWrapper(binary, "utf-8"), name)
        return self._rewound(file, name, mode)

    def _rewound(self, file: File[Any], name: str, mode: str) -> File[Any]:
        if not file.seekable():
            reopened: File[Any] = self.call("open", name, mode)
            return reopened
        file.seek(0)
        return file

    def open_for_writing(self, name: str, mode: str) -> File[Any]:
        """Open a file for writing; a directory that a local storage lacks is made, as on save."""
        try:
            file: File[Any] = self.call("open", name, mode)
        except FileNotFoundError as error:
            if "r" in mode or not self._make_directory(name, error):
                raise
            file = self.call("open", name, mode)
        return file

    def _make_directory(self, name: str, error: FileNotFoundError) -> bool:
        path = self._local_path(name)
        # Only an error about this very path is one of the disk.
        if path is None or error.filename != path:
            return False
        mode = getattr(self.storage, "directory_permissions_mode", None)
        disk.make_directories(os.path.dirname(path), mode)
        return True

    def _local_path(self, name: str) -> str | None:
        try:
            path: str = self.call("path", name)
        except (NotImplementedError, AttributeError):
            return None
        return path

    def save(self, name: str, content: File[Any]) -> str:
        """Store ``content`` under ``name``, or under the free name that the storage chose.

        A storage may avoid a name that was taken in the meantime, as FileSystemStorage does. One
        that changes a name for another reason has that copy removed: ``NameChangedError``.
        """
        stored = self._store(name, content)
        if stored == name or self._avoided(name):
            return stored
        self.call("delete", stored)
        raise NameChangedError(f"{self.name} stored {name!r} as {stored!r}: its copy was removed.")

    def create(self, name: str, content: File[Any], unless: Unless = None) -> bool:
        """Store ``content`` if its name is free, and not ``unless``; return whether it was.

        No reader sees half of it, and what was saved or deleted in between stays so. Where the
        storage has no way to do that the name is looked at first, which another process can
        overtake.
        """
        self._refuse_if_read_only("create", name)
        created = self._adapter.create(self.storage, name, content, unless)
        if created is not None:
            return created
        with self.locked(name):
            if (unless and unless()) or self.call("exists", name):
                return False
            stored = self.save(name, content)
            if stored != name:  # Another process was faster, and the storage avoided its file.
                self.call("delete", stored)
            return stored == name

    def _store(self, name: str, content: File[Any]) -> str:
        return str(self.call("_save", name, content)).replace("\\", "/")

    def refuses_mode(self, mode: str) -> bool:
        """Whether the storage cannot open a file in ``mode`` to change it."""
        return self._adapter.refuses_mode(mode)

    def locked(self, name: str) -> AbstractContextManager[None]:
        """Keep out whoever else changes ``name``; of a local file, other processes as well."""
        return self._adapter.locked(self.storage, name)

    def _avoided(self, name: str) -> bool:
        try:
            return not self.overwrites and bool(self.call("exists", name))
        except Exception:  # Not known, so not excused.
            return False


class _Binary(io.BufferedIOBase):
    """The bytes of a storage's file, for a text layer on top.

    It knows itself whether it is closed: asked that, AzureStorageFile downloads the file.
    """

    def __init__(self, file: File[Any]) -> None:
        self._file = file

    def read(self, size: int | None = -1, /) -> bytes:
        data: bytes = self._file.read(-1 if size is None else size)
        return data

    read1 = read

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        position: int = self._file.seek(offset, whence)
        return position

    def tell(self) -> int:
        position: int = self._file.tell()
        return position

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
