"""Files that a storage opened: read in a way that can be relied on."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar, cast

from django.core.files.base import File

T = TypeVar("T")


#: Opens the file again, in a mode.
Reopen = Callable[[str], "File[Any]"]


def touched(file: File[Any], name: str, mode: str, reopen: Reopen) -> File[Any]:
    """Return a file of which a byte was read, at its beginning again.

    A text mode that its storage ignores is heeded.
    """
    first = file.read(1)
    if "b" not in mode and isinstance(first, bytes):
        return _as_text(cast(BinaryIO, Opened(_rewound(file, "rb", reopen))), name)
    return _rewound(file, mode, reopen)


def _rewound(file: File[Any], mode: str, reopen: Reopen) -> File[Any]:
    if not file.seekable():
        return reopen(mode)
    file.seek(0)
    return file


def in_turn(
    file: File[Any], name: str, run: Callable[[Callable[[], Any]], Any], *, writable: bool
) -> File[Any]:
    """Return a file whose every use is a call that ``run`` makes."""
    return File(cast(BinaryIO, Opened(file, run, writable=writable)), name)


def is_made_text(file: File[Any]) -> bool:
    """Whether ``touched`` made text of what the storage gave."""
    return isinstance(getattr(file, "file", None), _Text)


def _as_text(file: BinaryIO, name: str) -> File[Any]:
    return File(_Text(file, "utf-8"), name)


def _at_once(call: Callable[[], T]) -> T:
    return call()


class Opened(io.BufferedIOBase):
    """The bytes of a storage's file.

    It knows itself whether it is closed: asked that, AzureStorageFile downloads the file.
    """

    def __init__(
        self,
        file: File[Any],
        run: Callable[[Callable[[], Any]], Any] = _at_once,
        *,
        writable: bool = False,
    ) -> None:
        self._file = file
        self._run = run
        self._writable = writable

    def __del__(self) -> None:
        """Leave a file that nobody closed to its own class.

        Made from wherever the garbage is collected, the call could wait for the very thread that
        waits for it.
        """

    def read(self, size: int | None = -1, /) -> Any:
        return self._run(lambda: self._file.read(-1 if size is None else size))

    read1 = read

    def write(self, data: Any, /) -> int:
        self._run(lambda: self._file.write(data))
        return len(data)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return self._writable

    def seekable(self) -> bool:
        return bool(self._run(self._file.seekable))

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        position: int = self._run(lambda: self._file.seek(offset, whence))
        return position

    def tell(self) -> int:
        position: int = self._run(self._file.tell)
        return position

    def close(self) -> None:
        try:
            if not self.closed:
                self._run(self._file.close)
        finally:
            super().close()


class _Text(io.TextIOWrapper):
    """The text of a storage's file that gives bytes."""

    def __del__(self) -> None:
        """As above: nothing is to be closed from here."""
