"""The deadline of a whole operation."""

from __future__ import annotations

import math
from collections.abc import Callable


class Deadline:
    """The instant by which an operation on a file has to end."""

    def __init__(self, name: str, seconds: float, clock: Callable[[], float]) -> None:
        self._name = name
        self._seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    @property
    def passed(self) -> bool:
        """Whether the operation has to end now."""
        return self._clock() >= self._end

    def error(self) -> TimeoutError:
        """Return the error of an operation that took too long."""
        seconds = f"{self._seconds:g} s"
        return TimeoutError(f"{self._name!r} took longer than its deadline of {seconds}.")

    def timeout(self, limit: float = math.inf) -> float:
        """Return how many seconds to wait: ``limit``, or what is left if that is less.

        Raises ``TimeoutError`` if nothing is left.
        """
        left = self._end - self._clock()
        if left <= 0:
            raise self.error()
        return min(limit, left)
