"""Content that several backends can be given in turn, each whole and from the start.

Backends rewind what they can, close it, move it away, rename it or leave it half read, so none of
them gets the caller's own file.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Any, BinaryIO, cast

from django.core.files.base import File
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.utils import FileProxyMixin

from fallback_storage.backend.files import Opened

#: Content that cannot be read twice is kept in memory up to this size, in bytes.
SPOOL_SIZE = 4 * 1024 * 1024

_OWN_CHUNKS = (File.chunks, InMemoryUploadedFile.chunks)


class Content:
    """The content of a save: bytes that can be read from the start as often as needed.

    ``error`` is what the content itself raised while it was read, if it did.
    """

    def __init__(self, content: Any) -> None:
        self.error: Exception | None = None
        self._content = content
        self._spool: BinaryIO | None = None
        self._taken = False
        self._is_text = False
        self._source = _seekable_binary(content)

    def __enter__(self) -> Content:
        if self._source is None:
            self._source = self._spool = self._spooled()
        return self

    def _spooled(self) -> BinaryIO:
        spool = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=SPOOL_SIZE))
        try:
            for chunk in _chunks(self._content):
                self._is_text = isinstance(chunk, str)
                spool.write(chunk.encode() if isinstance(chunk, str) else chunk)
        except BaseException:
            spool.close()
            raise
        return spool

    def as_text(self, name: str) -> File[str] | None:
        """Return content that came as text as such; ``None`` if it did not, or is too large."""
        spool = self._spool
        if spool is None or not self._is_text:
            return None
        length = spool.seek(0, io.SEEK_END)
        spool.seek(0)
        if length > SPOOL_SIZE:
            return None
        return File(io.StringIO(spool.read().decode(), newline=""), name)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._spool is not None:
            self._spool.close()

    def look(self) -> None:
        """Read its size and its first byte, so that what is not there raises now."""
        handle = self.handle("")
        handle.seek(0, io.SEEK_END)
        handle.seek(0)
        handle.read(1)

    @property
    def is_spooled(self) -> bool:
        """Whether it was copied, and cannot be read anywhere else any more."""
        return self._spool is not None

    def verify(self) -> None:
        """Read all of it once, so that what cannot be read raises before anything is stored."""
        if self._spool is None and type(self._source) is not io.BytesIO:
            for _ in self.handle("").chunks():
                pass

    def take_path(self) -> str | None:
        """Return the path of an upload that lies in a file of its own, once."""
        source, path = self._source, getattr(self._content, "temporary_file_path", None)
        if self._taken or source is None or path is None or os.name != "posix":
            return None
        self._taken = True
        try:
            self._content.flush()
            is_same = os.path.samestat(os.fstat(source.fileno()), os.stat(path()))
        except (OSError, AttributeError):
            return None
        return str(path()) if is_same else None

    def handle(self, name: str) -> File[bytes]:
        """Return a file of its own for one attempt, at the start and named ``name``."""
        attempt = _Attempt(self, cast(BinaryIO, self._source))
        handle: File[bytes] = File(cast(BinaryIO, attempt), name)
        handle.upload = self  # type: ignore[attr-defined]
        for attribute in ("content_type", "charset"):
            if hasattr(self._content, attribute):
                setattr(handle, attribute, getattr(self._content, attribute))
        return handle


class _Attempt(io.BufferedIOBase):
    """Reads a source from its start, and remembers an error of the source as the content's."""

    mode = "rb"

    def __init__(self, content: Content, source: BinaryIO) -> None:
        self._content = content
        self._source = source
        self._read(source.seek, 0)

    def _read(self, method: Any, *args: Any) -> Any:
        try:
            return method(*args)
        except Exception as error:
            self._content.error = error
            raise

    def read(self, size: int | None = -1, /) -> bytes:
        data: bytes = self._read(self._source.read, -1 if size is None else size)
        return data

    def read1(self, size: int = -1, /) -> bytes:
        return self.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        position: int = self._read(self._source.seek, offset, whence)
        return position

    def tell(self) -> int:
        position: int = self._read(self._source.tell)
        return position

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def _seekable_binary(content: Any) -> BinaryIO | None:
    """Return the io object at the bottom of ``content`` if that is all there is to it.

    A class that reads in a way of its own must be read through it: the inner file of a storage's
    file can be empty until then.
    """
    while not isinstance(content, io.IOBase):
        if not _only_delegates(content):
            return None
        content = content.file
    if isinstance(content, Opened):
        return None  # Read where it is stored, two threads could wait for each other.
    is_binary = not isinstance(content, io.TextIOBase) and isinstance(content.read(0), bytes)
    try:
        can_seek = is_binary and content.seekable()
    except AttributeError:  # A member of a tar stream knows of no seekable().
        return None
    return cast(BinaryIO, content) if can_seek else None


def _only_delegates(content: Any) -> bool:
    kind = type(content)
    if isinstance(content, File):
        return kind.read is FileProxyMixin.read and kind.chunks in _OWN_CHUNKS
    return not hasattr(kind, "read") and hasattr(content, "file")


def _chunks(content: Any) -> Iterator[Any]:
    if hasattr(content, "chunks"):
        yield from content.chunks()
        return
    if getattr(content, "seekable", bool)():
        content.seek(0)
    while chunk := content.read(File.DEFAULT_CHUNK_SIZE):
        yield chunk
