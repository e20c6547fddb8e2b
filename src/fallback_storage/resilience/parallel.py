"""Several calls at a time, for as long as it takes: the slowest one's time, not the sum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from fallback_storage.resilience.bulkhead import Bulkhead

T = TypeVar("T")

#: How many threads a process has for this.
THREADS = 8

_bulkhead = Bulkhead("parallel", THREADS)


def in_parallel(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Return what the calls come to, in their order.

    The caller makes those that no thread has begun by then: none waits for a thread, so that such
    a call may make others in its turn.
    """
    answers = [_bulkhead.offer(call) for call in calls[:-1]]
    last = [call() for call in calls[-1:]]  # While the others are under way.
    return [answer() for answer in answers] + last
