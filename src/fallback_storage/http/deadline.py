"""A deadline for all of an operation: no read from the network waits longer than is left.

A socket's own timeout starts anew with every byte, so that a server which sends a byte now and
then could hold a reader for ever, in the headers as well as in the body.
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

#: How many seconds the response that is being made may wait for its next bytes.
_patience: ContextVar[Callable[[], float]] = ContextVar("fallback_storage_http_patience")


class Deadline:
    """The instant by which an operation on a file is to be over."""

    def __init__(self, name: str, seconds: float, clock: Callable[[], float]) -> None:
        self._name = name
        self._seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    @property
    def passed(self) -> bool:
        return self._clock() >= self._end

    def error(self) -> TimeoutError:
        return TimeoutError(f"{self._name!r} took longer than the deadline, {self._seconds:g} s.")

    def patience(self, limit: float = math.inf) -> float:
        """Return how many seconds to wait: ``limit``, or what is left if that is less.

        Raises ``TimeoutError`` if nothing is.
        """
        left = self._end - self._clock()
        if left <= 0:
            raise self.error()
        return min(limit, left)

    @contextmanager
    def bounding(self, limit: float) -> Iterator[None]:
        """Let the responses made in the block wait for their next bytes no longer than allowed."""
        token = _patience.set(partial(self.patience, limit))
        try:
            yield
        finally:
            _patience.reset(token)


class BoundedResponse(http.client.HTTPResponse):
    """A response each of whose reads from the socket has its deadline."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_BoundedReader(self.fp.detach(), sock, _patience.get()))


class _BoundedReader(io.RawIOBase):
    def __init__(
        self, raw: io.RawIOBase, sock: socket.socket, patience: Callable[[], float]
    ) -> None:
        self._raw = raw
        self._sock = sock
        self._patience = patience

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._sock.settimeout(self._patience())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
