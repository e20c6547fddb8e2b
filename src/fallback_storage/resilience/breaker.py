"""The circuit breaker of a backend: a dead one is not asked again until it may have recovered.

The pattern is Michael Nygard's ("Release It!"). A breaker does no I/O: it gives permits for calls,
and is told what they came to. What it knows is a record that is never changed, only followed by
another. So it needs no lock, which a fork, an interrupt or garbage that makes a call could meet.
"""

from __future__ import annotations

import enum
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from fallback_storage.conf import BreakerOptions


class State(enum.StrEnum):
    """What a breaker does with a call: lets it pass, refuses it, lets a single probe pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


#: Told of a change of state: the old one, and the new.
OnChange = Callable[[State, State], None]
_MAX_DOUBLINGS = 30


@dataclass(frozen=True, eq=False)
class _Record:
    """What a breaker knows until it learns more."""

    state: State = State.CLOSED
    generation: int = 0
    until: float = 0.0
    doublings: int = 0
    calls: int = 0
    faults: int = 0
    consecutive: int = 0
    window_end: float | None = None
    #: What follows it: one record, once there is one.
    followed_by: dict[None, _Record] = field(default_factory=dict, init=False)


class Breaker:
    """Opens after too many faults; then lets one call at a time find out whether that is over.

    ``clock`` gives seconds, ``draw`` a number from 0 to 1 for the jitter.
    """

    def __init__(
        self,
        options: BreakerOptions,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
        on_change: OnChange = lambda old, new: None,
    ) -> None:
        self.options = options
        self._clock = clock
        self._draw = draw
        self._on_change = on_change
        self._record = _Record()

    def __repr__(self) -> str:
        return f"<Breaker: {self.state}>"

    @property
    def state(self) -> State:
        return self._record.state

    @property
    def refuses(self) -> bool:
        """Whether a call would be refused now."""
        return self._refuses(self._record)

    @property
    def seconds_left(self) -> float:
        """For how many seconds calls are refused; infinite where it was forced open."""
        record = self._record
        return max(0.0, record.until - self._clock()) if record.state is not State.CLOSED else 0.0

    def permit(self, *, force: bool = False) -> int | None:
        """Return what to tell the outcome of the call with, ``None`` if it is refused.

        ``force``: the call is made whatever the state. It is no probe: its success closes the
        breaker, anything else leaves it as it is.
        """
        record = self._record
        if record.state is State.CLOSED:
            return record.generation
        permit = None if self._refuses(record) else self._probe()
        return -self._record.generation if permit is None and force else permit

    def _probe(self) -> int | None:
        before, after = self._change(self._half_open)
        # If it is as it was, another thread has the probe, or has closed it.
        return None if after is before and after.state is not State.CLOSED else after.generation

    def succeeded(self, permit: int, seconds: float = 0.0) -> None:
        """The call answered after ``seconds``; that it was missing or denied is an answer."""
        slow, record = self.options.slow_call, self._record
        is_clean = record.state is State.CLOSED and record.window_end is None
        if slow is not None and seconds > slow:
            self._count(permit, faults=1)
        elif not is_clean or record.followed_by:
            self._count(permit, faults=0)

    def faulted(self, permit: int, seconds: float = 0.0) -> None:
        """The backend was unreachable, which took it ``seconds`` to show."""
        slow = self.options.slow_fault
        self._count(permit, faults=1, open_at_once=slow is not None and seconds > slow)

    def abstained(self, permit: int) -> None:
        """What the call came to says nothing about the backend; a probe gives way to another."""
        if self._record.state is not State.CLOSED:
            self._change(partial(self._give_way, permit))

    def force_open(self) -> None:
        """Refuse calls until ``close`` or ``reset``, however the backend does."""
        self._change(lambda record: self._open(record, float("inf")))

    def close(self) -> None:
        """Let calls pass again; should they fail, the next cool-down is the longer one."""
        self._change(lambda record: replace(self._closed(record), doublings=record.doublings))

    def reset(self) -> None:
        """Forget everything, as if it were new."""
        self._change(self._closed)

    def _count(self, permit: int, *, faults: int, open_at_once: bool = False) -> None:
        def counted(record: _Record) -> _Record:
            if abs(permit) != record.generation:
                return record  # It was made before the state changed: it tells of another time.
            if record.state is State.CLOSED:
                record = self._counted_in_window(record, faults)
                is_too_much = open_at_once or self._is_too_much(record)
                return self._cooling_down(record) if is_too_much else record
            if not faults and record.until != float("inf"):
                return self._closed(record)
            if faults and record.state is State.HALF_OPEN and permit > 0:
                return self._cooling_down(record)
            return record

        self._change(counted)

    def _counted_in_window(self, record: _Record, faults: int) -> _Record:
        now, end = self._clock(), record.window_end
        calls, total = record.calls, record.faults
        if end is not None and now >= end:
            calls, total, end = 0, 0, None
        if faults and end is None:
            end = now + self.options.window
        if end is not None:
            calls, total = calls + 1, total + faults
        consecutive = record.consecutive + 1 if faults else 0
        return replace(record, calls=calls, faults=total, consecutive=consecutive, window_end=end)

    def _is_too_much(self, record: _Record) -> bool:
        if record.consecutive >= self.options.failures:
            return True
        if record.calls < self.options.minimum_calls:
            return False
        return 0 < record.faults / record.calls >= self.options.rate

    def _refuses(self, record: _Record) -> bool:
        return record.state is not State.CLOSED and self._clock() < record.until

    def _cooling_down(self, record: _Record) -> _Record:
        longest = self.options.cooldown * 2**record.doublings
        seconds = min(longest, self.options.max_cooldown)
        record = replace(record, doublings=min(record.doublings + 1, _MAX_DOUBLINGS))
        return self._open(record, seconds * (1 - self.options.jitter * self._draw()))

    def _open(self, record: _Record, seconds: float) -> _Record:
        until, generation = self._clock() + seconds, record.generation + 1
        return replace(record, state=State.OPEN, generation=generation, until=until)

    def _half_open(self, record: _Record) -> _Record:
        if record.state is State.CLOSED or self._refuses(record):
            return record
        until, generation = self._clock() + self.options.lease, record.generation + 1
        return replace(record, state=State.HALF_OPEN, generation=generation, until=until)

    def _give_way(self, permit: int, record: _Record) -> _Record:
        has_probe = record.state is State.HALF_OPEN and permit == record.generation
        return replace(record, until=self._clock()) if has_probe else record

    def _closed(self, record: _Record) -> _Record:
        return _Record(generation=record.generation + 1)

    def _change(self, step: Callable[[_Record], _Record]) -> tuple[_Record, _Record]:
        """Let ``step`` say what follows the last record; return that, and what follows it."""
        while True:
            before = self._catch_up()
            after = step(before)
            # The first to add one to it has it; another thread begins again with that.
            if after is before or before.followed_by.setdefault(None, after) is after:
                break
        self._catch_up()
        if after.state is not before.state:
            self._on_change(before.state, after.state)
        return before, after

    def _catch_up(self) -> _Record:
        while followed_by := self._record.followed_by:
            self._record = followed_by[None]
        return self._record
