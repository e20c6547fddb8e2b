"""The names that were missing a moment ago."""

from __future__ import annotations

import threading
from collections.abc import Callable

#: The names that are remembered, at most; the oldest is forgotten first.
REMEMBERED = 10_000


class Misses:
    """Remembers for ``ttl`` seconds that a name is missing. Nothing else is remembered."""

    def __init__(self, ttl: float, clock: Callable[[], float]) -> None:
        self._ttl = ttl
        self._clock = clock
        self._lock = threading.Lock()
        # From name to the instant it is forgotten, which is the order of the entries as well.
        self._until: dict[str, float] = {}

    def __contains__(self, name: str) -> bool:
        until = self._until.get(name)
        return until is not None and self._clock() < until

    def add(self, name: str) -> None:
        if not self._ttl:
            return
        until = self._clock() + self._ttl
        with self._lock:
            self._until.pop(name, None)
            self._until[name] = until
            if len(self._until) > REMEMBERED:
                del self._until[next(iter(self._until))]
