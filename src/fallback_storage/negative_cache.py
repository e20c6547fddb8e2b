"""The names that were nowhere a moment ago."""

from __future__ import annotations

import threading
from collections.abc import Callable

#: The most names that are remembered; the oldest is forgotten first.
MAX_NAMES = 10_000


class NegativeCache:
    """Remembers for ``ttl`` seconds that a name is missing."""

    def __init__(self, ttl: float, clock: Callable[[], float]) -> None:
        self._ttl = ttl
        self._clock = clock
        self._lock = threading.Lock()
        # From a name to the instant when it is forgotten; the entries are in that order too.
        self._expires: dict[str, float] = {}

    def __contains__(self, name: str) -> bool:
        expires = self._expires.get(name)
        return expires is not None and self._clock() < expires

    def add(self, name: str) -> None:
        """Remember that ``name`` is missing."""
        if not self._ttl:
            return
        expires = self._clock() + self._ttl
        with self._lock:
            self._expires.pop(name, None)
            self._expires[name] = expires
            if len(self._expires) > MAX_NAMES:
                del self._expires[next(iter(self._expires))]

    def discard(self, name: str) -> None:
        """Forget a name: it may be there now."""
        with self._lock:
            self._expires.pop(name, None)
