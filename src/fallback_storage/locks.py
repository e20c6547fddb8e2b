"""One at a time: of the threads of a process that want the same file, one fetches it."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Whoever works on a key may meet it again: the storage that is read may promote to the same one
# itself. Not kept by thread, as the call may go on in another.
_held: ContextVar[frozenset[Hashable]] = ContextVar("fallback_storage_held", default=frozenset())


class _Flight:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.passengers = 0


class Flights:
    """Keys that are being worked on, each by one call."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._flights: dict[Hashable, _Flight] = {}
        # The threads that hold the locks do not exist in a forked child.
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._guard = threading.Lock()
        self._flights = {}

    @contextmanager
    def alone(self, key: Hashable) -> Iterator[None]:
        """Wait until nobody else is at work on ``key``."""
        mine = (id(self), key)
        if mine in _held.get():
            yield
            return
        with self._guard:
            flight = self._flights.setdefault(key, _Flight())
            flight.passengers += 1
        try:
            with flight.lock:
                token = _held.set(_held.get() | {mine})
                try:
                    yield
                finally:
                    _held.reset(token)
        finally:
            self._leave(key, flight)

    def _leave(self, key: Hashable, flight: _Flight) -> None:
        with self._guard:
            flight.passengers -= 1
            if not flight.passengers:
                self._flights.pop(key, None)
