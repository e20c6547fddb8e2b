"""A deadline for a whole operation: no read from the network waits longer than is left.

A socket's own timeout starts again with every byte, so a server that sends one now and then could
hold a reader for ever, in the headers as well as in the body.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

#: Returns for how many seconds the response that is being made may wait for its next bytes.
_read_timeout: ContextVar[Callable[[], float]] = ContextVar("fallback_storage_http_read_timeout")


class Deadline:
    """The instant by which an operation on a file has to end."""

    def __init__(self, name: str, seconds: float, clock: Callable[[], float]) -> None:
        self._name = name
        self._seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    @property
    def passed(self) -> bool:
        return self._clock() >= self._end

    def error(self) -> TimeoutError:
        return TimeoutError(
            f"{self._name!r} took longer than its deadline of {self._seconds:g} s."
        )

    def timeout(self, limit: float = math.inf) -> float:
        """Return how many seconds to wait: ``limit``, or what is left if that is less.

        Raises ``TimeoutError`` if nothing is left.
        """
        left = self._end - self._clock()
        if left <= 0:
            raise self.error()
        return min(limit, left)

    @contextmanager
    def bound_reads(self, limit: float) -> Iterator[None]:
        """Bound each read of the responses made in the block, by ``limit`` and what is left."""
        token = _read_timeout.set(partial(self.timeout, limit))
        try:
            yield
        finally:
            _read_timeout.reset(token)


class BoundedResponse(http.client.HTTPResponse):
    """A response each of whose reads from the socket has its deadline."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_BoundedReader(self.fp.detach(), sock, _read_timeout.get()))


class _BoundedReader(io.RawIOBase):
    def __init__(
        self, raw: io.RawIOBase, sock: socket.socket, timeout: Callable[[], float]
    ) -> None:
        self._raw = raw
        self._sock = sock
        self._timeout = timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._sock.settimeout(self._timeout())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
