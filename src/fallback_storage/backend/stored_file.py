"""Files as a storage of this package hands them out: they stay that storage's."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, NoReturn, Protocol, Self, cast

from django.core.files.base import File

from fallback_storage.backend.copied import AnyFile
from fallback_storage.backend.files import Opened, is_writing


class Opener(Protocol):
    """A storage that a file can be opened with again."""

    def open(self, name: str, mode: str = "rb") -> File[Any]:
        """Open a file."""


#: Keeps out whoever else writes the name of a file.
Changing = Callable[[], AbstractContextManager[object]]


class StoredFile(AnyFile):
    """A file that opens through its storage again once it is closed, and heeds its mode."""

    _storage: Opener
    _stored_name: str
    _refuses_writes: bool
    #: Where the file is written: what is held while it is closed, for many are stored only then.
    _changing: Changing | None

    def open(self, mode: str | None = None, *args: Any, **kwargs: Any) -> Self:
        """Go to the start of an open file; open a closed one again, through its storage."""
        if not self.closed:
            self.seek(0)
            return self
        again = self._storage.open(self._stored_name, mode or getattr(self, "mode", None) or "rb")
        vars(self).clear()  # Such as the size, which Django keeps.
        vars(self).update(vars(again))
        return self

    def close(self) -> None:
        changing = vars(self).get("_changing")
        if changing is None or self.closed:
            super().close()
            return
        with changing():
            super().close()

    def _refuse(self, *args: Any) -> NoReturn:
        raise io.UnsupportedOperation(f"{self._stored_name!r} was opened for reading.")

    @property
    def write(self) -> Any:
        return self._refuse if self._refuses_writes else cast(Any, self.file).write

    @property
    def writelines(self) -> Any:
        return self._refuse if self._refuses_writes else cast(Any, self.file).writelines

    @property
    def truncate(self) -> Any:
        return self._refuse if self._refuses_writes else cast(Any, self.file).truncate

    def __getattr__(self, attribute: str) -> Any:
        """Return what else the file of the backend has, such as ``obj`` of S3's."""
        file = vars(self).get("file")
        if not isinstance(file, Opened) or attribute.startswith("__"):
            raise AttributeError(f"{type(self).__name__!r} has no {attribute!r}.")
        return getattr(file, attribute)


def hand_out(
    storage: Opener, name: str, mode: str, file: Any, changing: Changing | None = None
) -> StoredFile:
    """Return ``file``, just opened, as one of ``storage``; ``changing`` is entered to close it.

    The backend's own object is not altered, unless it is exactly Django's ``File`` around an io
    object.
    """
    reading = not is_writing(mode)
    if type(file) in (File, StoredFile) and (not reading or _is_safe(file.file)):
        file.__class__ = StoredFile
    else:
        opened = Opened(file, writable=not reading)
        inner = file
        file = StoredFile(cast(BinaryIO, opened), getattr(inner, "name", name))
        if not hasattr(file, "mode"):
            file.mode = getattr(inner, "mode", mode)
    file._storage, file._stored_name, file._refuses_writes = storage, name, reading
    file._changing = changing
    return cast(StoredFile, file)


def _is_safe(file: Any) -> bool:
    """Return whether an io object opened for reading cannot be written."""
    if isinstance(file, (io.BufferedReader, io.TextIOWrapper, Opened)):
        return True
    return isinstance(file, io.IOBase) and not file.closed and not file.writable()
