"""Files of a storage, opened in a way that can be relied on."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar, cast

from django.core.files.base import File

from fallback_storage.backend import disk
from fallback_storage.backend.adapters import Adapter
from fallback_storage.errors import UnsupportedOperation

T = TypeVar("T")


#: Calls what is to be done with an opened file where its storage is called.
Run = Callable[[Callable[[], Any]], Any]


def is_writing(mode: str) -> bool:
    """Return whether a file opened in ``mode`` can be changed."""
    return mode not in {"rb", "r"} and not set(mode).isdisjoint("wax+")


def open_for_reading(adapter: Adapter, name: str, mode: str) -> File[Any]:
    """Open a file that is known to exist: one whose class asks only when read is touched."""
    file = _opened(adapter, name, mode)
    if not adapter.open_checks_existence(file):
        return ensure_exists(adapter, file, name, mode)
    if "b" not in mode and isinstance(cast(Any, file).file, io.BufferedIOBase):
        return _as_text(file, name)
    return file


def open_existing(adapter: Adapter, name: str, mode: str) -> File[Any]:
    """Open a file without reading from it; its storage is asked whether it exists."""
    file = _opened(adapter, name, mode)
    exists = adapter.method("exists")
    if not adapter.open_checks_existence(file) and exists is not None and not exists(name):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    return file


def _opened(adapter: Adapter, name: str, mode: str) -> File[Any]:
    open_ = adapter.method("open")
    if open_ is None:
        raise UnsupportedOperation(f"The storage has no open({name!r}).")
    file: File[Any] = open_(name, mode)
    return file if hasattr(file, "chunks") else File(file, getattr(file, "name", name))


def ensure_exists(adapter: Adapter, file: File[Any], name: str, mode: str) -> File[Any]:
    """Return a file of which a byte was read, at its beginning again.

    A text mode that its storage ignores is heeded, and where the storage decodes each read by
    itself, which ends within a character, the text is made here.
    """
    try:
        first = file.read(1)
    except UnicodeDecodeError:
        if "b" in mode:
            raise
        file.close()
        return _as_text(_opened(adapter, name, "rb"), name)
    as_text = "b" not in mode and isinstance(first, bytes)
    if file.seekable():
        file.seek(0)
    else:
        file = _opened(adapter, name, "rb" if as_text else mode)
    return _as_text(file, name) if as_text else file


def _as_text(file: File[Any], name: str) -> File[Any]:
    return File(_Text(cast(BinaryIO, Opened(file)), "utf-8"), name)


def open_for_writing(
    adapter: Adapter, name: str, mode: str, must_exist: bool = False
) -> File[Any]:
    """Open a file for writing; a directory that a local storage lacks is made, as on save.

    ``must_exist``: mode "a" makes no new file, where the class can tell.
    """
    if must_exist and "a" in mode and adapter.open_to_append is not None:
        file: File[Any] = adapter.open_to_append(name, mode)
        return file
    try:
        return _opened(adapter, name, mode)
    except FileNotFoundError as error:
        path = None if "r" in mode else _local_path(adapter, name)
        # Only an error about this very path is one of the disk.
        if path is None or error.filename != path:
            raise
    directory_mode = getattr(adapter.storage, "directory_permissions_mode", None)
    disk.make_directories(os.path.dirname(path), directory_mode)
    return _opened(adapter, name, mode)


def _local_path(adapter: Adapter, name: str) -> str | None:
    try:
        path: str = adapter.storage.path(name)
    except (NotImplementedError, AttributeError):
        return None
    return path


def serialized(file: File[Any], name: str, run: Run, *, writable: bool) -> File[Any]:
    """Return a file whose every use is a call that ``run`` makes."""
    return File(cast(BinaryIO, Opened(file, run, writable=writable)), name)


def is_made_text(file: File[Any]) -> bool:
    """Return whether ``ensure_exists`` made text of what the storage gave."""
    return isinstance(getattr(file, "file", None), _Text)


def _at_once(call: Callable[[], T]) -> T:
    return call()


class Opened(io.BufferedIOBase):
    """What a storage opened, as an io object: each use of it is a call that ``run`` makes.

    It knows itself whether it is closed: asked that, AzureStorageFile downloads the file.
    """

    def __init__(self, file: Any, run: Run = _at_once, *, writable: bool = False) -> None:
        self._file = file
        self._run = run
        self._writable = writable

    def __del__(self) -> None:
        """Leave a file that nobody closed to its own class.

        Made from wherever the garbage is collected, the call could wait for the very thread that
        waits for it.
        """

    def __getattr__(self, attribute: str) -> Any:
        """Return what else the file has, such as its name or its size."""
        if attribute.startswith("__") or "_file" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} has no {attribute!r}.")
        return self._run(lambda: getattr(self._file, attribute))

    def _ask(self, method: str, *args: Any) -> Any:
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        return self._run(lambda: getattr(self._file, method)(*args))

    def read(self, size: int | None = -1, /) -> Any:
        return self._ask("read", -1 if size is None else size)

    read1: Callable[..., Any] = read

    def readline(self, size: int | None = -1, /) -> Any:
        if not hasattr(self._file, "readline"):
            return super().readline(-1 if size is None else size)
        return self._ask("readline", *(() if size in (None, -1) else (size,)))

    def readlines(self, hint: int | None = -1, /) -> list[Any]:
        # All that is asked for in one call: by default each line would be one.
        if hint not in (None, -1):
            return super().readlines(hint)
        data = self.read()
        lines: list[Any] = (io.StringIO if isinstance(data, str) else io.BytesIO)(data).readlines()
        return lines

    def write(self, data: Any, /) -> int:
        if not self._writable:
            raise io.UnsupportedOperation("The file was opened for reading.")
        self._ask("write", data)
        return len(data)

    def truncate(self, size: int | None = None, /) -> int:
        if not self._writable:
            raise io.UnsupportedOperation("The file was opened for reading.")
        length: int = self._ask("truncate", *(() if size is None else (size,)))
        return length

    def flush(self) -> None:
        if self._writable and not self.closed and hasattr(self._file, "flush"):
            self._ask("flush")

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return self._writable

    def seekable(self) -> bool:
        if not hasattr(self._file, "seekable"):
            return hasattr(self._file, "seek")
        return bool(self._ask("seekable"))

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._ask("seek", offset, whence)
        return self.tell()

    def tell(self) -> int:
        position: int = self._ask("tell")
        return position

    def close(self) -> None:
        try:
            if not self.closed:
                self._run(self._file.close)
        finally:
            self._writable = False  # There is nothing left to flush.
            super().close()


class _Text(io.TextIOWrapper):
    """The text of a storage's file that gives bytes."""

    def __del__(self) -> None:
        """As above: nothing is to be closed from here."""
