"""One request and its response, as their connection sees them.

urllib3 makes the connections and the responses; a context variable tells them which exchange they
serve.
"""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from fallback_storage.http.deadline import Deadline


class Exchange:
    """Bounds the reads of one request's response, and knows whether the request can be repeated.

    A socket's own timeout starts again with every byte. A server that sends one now and then could
    hold a reader for ever with it, in the headers as well as in the body.
    """

    def __init__(self, deadline: Deadline, read_timeout: float) -> None:
        self.deadline = deadline
        self._read_timeout = read_timeout
        #: Whether a read waits for bytes that are not there yet.
        self.waits = True
        #: Whether it must have a connection of its own, not one that was kept.
        self.needs_new_connection = False
        #: Whether a connection was made for it.
        self.connected = False
        #: Whether a byte of the response has arrived.
        self.answered: bool = False

    @property
    def is_unanswered_reuse(self) -> bool:
        """Whether it had a kept connection, on which not one byte of a response arrived."""
        return not self.connected and not self.answered

    @contextmanager
    def serve(self) -> Iterator[None]:
        """Have it served by the connection and the response that are used in the block."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def read(self, raw: io.RawIOBase, sock: socket.socket, buffer: Any) -> int:
        """Read from the connection; ``TimeoutError`` where that takes longer than allowed."""
        sock.settimeout(self.deadline.timeout(self._read_timeout) if self.waits else 0)
        count = raw.readinto(buffer)
        if count is None:
            raise TimeoutError("Nothing is there yet.")
        self.answered = self.answered or count > 0
        return count


_current: ContextVar[Exchange] = ContextVar("fallback_storage_http_exchange")


def current_exchange() -> Exchange:
    """Return the exchange that is being served."""
    return _current.get()


class Response(http.client.HTTPResponse):
    """A response that reads from its connection through its exchange."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp: io.BufferedReader = io.BufferedReader(
            _Reader(self.fp.detach(), sock, current_exchange())
        )


class _Reader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket, exchange: Exchange) -> None:
        self._raw = raw
        self._sock = sock
        self._exchange = exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        return self._exchange.read(self._raw, self._sock, buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
