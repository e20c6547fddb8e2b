"""The bytes of a response, read while they are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from asgiref.sync import sync_to_async

_CHUNK = 64 * 1024


class BrokenTransfer(OSError):
    """A file ended before all of it was sent: the client must not take it for whole."""


class Stream:
    """So many bytes of a file from where it stands; a chunk at a time.

    ``release`` closes it, once the response is over or its client has gone.
    """

    def __init__(self, file: Any, length: int, release: Callable[[], None]) -> None:
        self._file = file
        self._left = length
        self._release: Callable[[], None] | None = release

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read():
            yield chunk

    def read(self) -> bytes:
        """Read a chunk; ``BrokenTransfer`` where there is none, and should be."""
        if not self._left:
            return b""
        chunk: bytes = self._file.read(min(_CHUNK, self._left))
        if not chunk:
            raise BrokenTransfer(f"The file ended {self._left} bytes too early.")
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Let go of the file, once."""
        release, self._release = self._release, None
        if release is not None:
            release()


class AsyncStream:
    """A stream whose chunks are read in threads, so that no other request waits for a backend."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.close: Callable[[], None] = stream.close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = sync_to_async(self._stream.read, thread_sensitive=False)
        while chunk := await read():
            yield chunk
