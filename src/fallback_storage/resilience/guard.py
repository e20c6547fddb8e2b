"""What a backend's calls came to in this process, and what bounds the next one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from fallback_storage.errors import BreakerOpen, NoThreadFree
from fallback_storage.outcomes import Outcome
from fallback_storage.resilience.breaker import Breaker
from fallback_storage.resilience.crew import NO_RESCUE, Rescue
from fallback_storage.resilience.deadline import Pool

T = TypeVar("T")

#: Says what an error of the backend means.
Judge = Callable[[Exception], Outcome]

# Whose call is under way: the one thread of a backend would wait for itself, and a probe for its
# own end.
_asking: ContextVar[tuple[Health, ...]] = ContextVar("fallback_storage_asking", default=())
# What tells nothing about the backend: a full disk here, a bad name, a method it does not have.
_NO_EVIDENCE = frozenset({Outcome.FAILED, Outcome.UNSUPPORTED, Outcome.REJECTED})


class Health:
    """The breaker, the threads and the deadline of one backend, and what its calls came to."""

    def __init__(
        self,
        name: str,
        *,
        breaker: Breaker | None = None,
        pool: Pool | None = None,
        timeout: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.breaker = breaker
        self.pool = pool
        self.timeout = timeout
        self.calls = 0
        self.faults = 0
        self.last_error: str | None = None
        self._clock = clock

    @property
    def is_serial(self) -> bool:
        """Whether one thread does everything, for a client that bears no more."""
        return self.pool is not None and self.pool.threads == 1

    @property
    def refuses(self) -> bool:
        """Whether the breaker would refuse a call now."""
        return self.breaker is not None and self.breaker.refuses

    def ask(
        self,
        call: Callable[[], T],
        judge: Judge,
        *,
        bounded: bool = True,
        insist: bool = False,
        rescue: Rescue = NO_RESCUE,
    ) -> T:
        """Make a call, and count what it came to; ``insist``: whatever the breaker says.

        One that is not ``bounded`` has no deadline: a write, whose effect would not be known.
        A call made within another is a part of it. Raises ``BreakerOpen``, ``DeadlineExceeded``
        and what the call raises.
        """
        if self in _asking.get():
            return call()
        with self._asked():
            return self._ask(call, judge, bounded=bounded, insist=insist, rescue=rescue)

    def take_turn(self, call: Callable[[], T], *, bounded: bool, rescue: Rescue) -> T:
        """Use an opened file where its storage is used. Not counted: most uses ask no server."""
        if self in _asking.get():
            return call()
        with self._asked():
            return self._make(call, bounded, rescue, [])

    @contextmanager
    def _asked(self) -> Iterator[None]:
        token = _asking.set((*_asking.get(), self))
        try:
            yield
        finally:
            _asking.reset(token)

    def _ask(
        self, call: Callable[[], T], judge: Judge, *, bounded: bool, insist: bool, rescue: Rescue
    ) -> T:
        permit = self._permit(insist)
        self.calls += 1
        begun = [self._clock()]
        try:
            answer = self._make(call, bounded, rescue, begun)
        except BaseException as error:
            self._count(error, judge, permit, self._clock() - begun[-1])
            raise
        if self.breaker is not None:
            self.breaker.succeeded(permit, self._clock() - begun[-1])
        return answer

    def _permit(self, insist: bool) -> int:
        if self.breaker is None:
            return 0
        permit = self.breaker.permit(insist=insist)
        if permit is None:
            because = f" after {self.last_error}" if self.last_error else ""
            raise BreakerOpen(
                f"{self.name} is not asked: its breaker is {self.breaker.state}{because}."
            )
        return permit

    def _make(self, call: Callable[[], T], bounded: bool, rescue: Rescue, begun: list[float]) -> T:
        if self.pool is None or not (bounded or self.is_serial):
            return call()

        def in_thread() -> T:
            begun.append(self._clock())  # The wait for a thread tells nothing of the backend.
            return call()

        return self.pool.run(in_thread, self.timeout if bounded else None, rescue)

    def _count(self, error: BaseException, judge: Judge, permit: int, seconds: float) -> None:
        outcome = Outcome.REJECTED
        if isinstance(error, Exception) and not isinstance(error, NoThreadFree):
            outcome = judge(error)
        if outcome is Outcome.UNREACHABLE:
            self.faults += 1
            self.last_error = type(error).__name__
        if self.breaker is None:
            return
        if outcome is Outcome.UNREACHABLE:
            self.breaker.faulted(permit, seconds)
        elif outcome in _NO_EVIDENCE:
            self.breaker.abstained(permit)
        else:
            self.breaker.succeeded(permit, seconds)
