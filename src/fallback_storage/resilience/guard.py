"""What a backend's calls came to in this process, and what bounds the next one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar, cast

from fallback_storage.errors import BreakerOpen, BulkheadFull
from fallback_storage.outcomes import Outcome
from fallback_storage.resilience.breaker import Breaker
from fallback_storage.resilience.bulkhead import Bulkhead
from fallback_storage.resilience.call import NO_RECOVERY, Recovery, under_way
from fallback_storage.statuses import http_status

T = TypeVar("T")

#: Says what an error of the backend means.
Judge = Callable[[Exception], Outcome]

# What tells nothing about the backend: a full disk here, a bad name, a method it does not have.
_NO_EVIDENCE = frozenset({Outcome.FAILED, Outcome.UNSUPPORTED, Outcome.REJECTED})


class Guard:
    """The breaker, the bulkhead and the deadline of one backend, and what its calls came to."""

    def __init__(
        self,
        name: str,
        *,
        breaker: Breaker | None = None,
        bulkhead: Bulkhead | None = None,
        timeout: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.breaker = breaker
        self.bulkhead = bulkhead
        self.timeout = timeout
        self.calls: int = 0
        self.faults: int = 0
        self.last_error: str | None = None
        self._clock = clock
        # The one thread of a backend would wait for itself, and a probe for its own end.
        self._owner = object() if bulkhead is None else bulkhead.owner
        # Threads beside the backend's: a long write of one is not overdue, and keeps no read out.
        self._writers = bulkhead and Bulkhead(f"{name}, writing", bulkhead.threads)

    @property
    def is_serial(self) -> bool:
        """Whether one thread makes all calls, for a client that bears no more."""
        return self.bulkhead is not None and self.bulkhead.threads == 1

    @property
    def refuses(self) -> bool:
        """Whether the breaker would refuse a call now."""
        return self.breaker is not None and self.breaker.refuses

    def call(
        self,
        function: Callable[[], T],
        judge: Judge,
        *,
        with_deadline: bool = True,
        force: bool = False,
        recovery: Recovery = NO_RECOVERY,
    ) -> T:
        """Make a call, and count what it came to; ``force``: whatever the breaker says.

        A write has no deadline, as its effect would not be known. A call made within another is a
        part of it. Raises ``BreakerOpen``, ``DeadlineExceeded`` and what the call raises.
        """
        if self._owner in under_way.get():
            return function()
        permit = 0 if self.breaker is None else self._permit(self.breaker, force)
        self.calls += 1
        begun = [self._clock()]
        try:
            answer = self._make(function, with_deadline, recovery, begun)
        except BaseException as error:
            self._count(error, judge, permit, self._clock() - begun[-1])
            raise
        if self.breaker is not None:
            self.breaker.succeeded(permit, self._clock() - begun[-1])
        return answer

    def serialize(
        self, function: Callable[[], T], *, with_deadline: bool, recovery: Recovery
    ) -> T:
        """Use an opened file where its storage is used.

        That is not counted: most uses ask no server.
        """
        if self._owner in under_way.get():
            return function()
        return self._make(function, with_deadline, recovery, [])

    def wait_for(self, function: Callable[[], T]) -> T:
        """Call a function that may write; wait for it until the deadline, and let it go on then.

        That it takes so long is not counted: what it writes may be large.
        """
        return function() if self._writers is None else self._writers.run(function, self.timeout)

    def _permit(self, breaker: Breaker, force: bool) -> int:
        permit = breaker.permit(force=force)
        if permit is None:
            because = f" after {self.last_error}" if self.last_error else ""
            raise BreakerOpen(
                f"{self.name} is not asked: its breaker is {breaker.state}{because}."
            )
        return permit

    def _make(
        self,
        function: Callable[[], T],
        with_deadline: bool,
        recovery: Recovery,
        begun: list[float],
    ) -> T:
        if self.bulkhead is not None and (with_deadline or self.is_serial):

            def make() -> T:
                begun.append(self._clock())  # To wait for a thread tells nothing of the backend.
                return function()

            return self.bulkhead.run(make, self.timeout if with_deadline else None, recovery)
        outer = under_way.get()
        try:
            try:
                under_way.set((*outer, self._owner))
                return function()
            finally:
                under_way.set(outer)
        finally:
            under_way.set(outer)  # Again: an interrupt may have come just before the first.

    def _count(self, error: BaseException, judge: Judge, permit: int, seconds: float) -> None:
        outcome = Outcome.REJECTED
        if isinstance(error, Exception) and not isinstance(error, BulkheadFull):
            outcome = judge(error)
        if outcome is Outcome.UNREACHABLE:
            self.faults += 1
            self.last_error = type(error).__name__
        if self.breaker is None:
            return
        if outcome is Outcome.UNREACHABLE:
            self.breaker.faulted(permit, seconds)
        elif outcome in _NO_EVIDENCE and not _is_answer(error, outcome):
            self.breaker.abstained(permit)
        else:
            self.breaker.succeeded(permit, seconds)


def _is_answer(error: BaseException, outcome: Outcome) -> bool:
    """Return whether a server said that it will not, which shows that it is well."""
    failed = outcome is Outcome.FAILED and isinstance(error, Exception)
    return failed and http_status(cast(Exception, error)) is not None
