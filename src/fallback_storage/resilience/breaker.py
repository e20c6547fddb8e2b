"""The circuit breaker of a backend: a dead one is not asked again until it may have recovered.

The pattern is Michael Nygard's ("Release It!"). A breaker does no I/O: it gives permits for calls,
and is told what they came to. While it is closed and no fault is on its mind it takes no lock.
"""

from __future__ import annotations

import enum
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fallback_storage.conf import BreakerOptions


class State(enum.StrEnum):
    """What a breaker does with a call: lets it pass, refuses it, lets a single probe pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


#: Told of a change of state: the old one, and the new.
OnChange = Callable[[State, State], None]
_MAX_DOUBLINGS = 30


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
        self._generation = 0
        self._doublings = 0
        self._calls = self._faults = self._consecutive = 0
        self._window_end: float | None = None
        self._until = 0.0
        self._state = State.CLOSED

    def __repr__(self) -> str:
        return f"<Breaker: {self._state}>"

    @property
    def state(self) -> State:
        return self._state

    @property
    def refuses(self) -> bool:
        """Whether a call would be refused now."""
        return self._state is not State.CLOSED and self._clock() < self._until

    @property
    def seconds_left(self) -> float:
        """For how many seconds calls are refused; infinite where it was forced open."""
        return max(0.0, self._until - self._clock()) if self._state is not State.CLOSED else 0.0

    def permit(self, *, insist: bool = False) -> int | None:
        """Return what to tell the outcome of the call with, ``None`` if it is refused.

        ``insist``: the call is made whatever the state. It is no probe: its success closes the
        breaker, anything else leaves it as it is.
        """
        if self._state is State.CLOSED:
            return self._generation
        # Without the lock while it is open: many threads ask while a backend is down.
        permit = None if self.refuses else self._probe()
        return -self._generation if permit is None and insist else permit

    def _probe(self) -> int | None:
        with self._changing():
            if self.refuses:
                return None  # Another thread has the probe.
            if self._state is not State.CLOSED:
                self._become_half_open()
            return self._generation

    def succeeded(self, permit: int, seconds: float = 0.0) -> None:
        """The call answered after ``seconds``; that it was missing or denied is an answer."""
        slow = self.options.slow_call
        if slow is not None and seconds > slow:
            self._count(permit, faults=1)
        elif self._state is not State.CLOSED or self._window_end is not None:
            self._count(permit, faults=0)

    def faulted(self, permit: int, seconds: float = 0.0) -> None:
        """The backend was unreachable, which took it ``seconds`` to show."""
        slow = self.options.slow_fault
        self._count(permit, faults=1, open_at_once=slow is not None and seconds > slow)

    def abstained(self, permit: int) -> None:
        """What the call came to says nothing about the backend; a probe gives way to another."""
        if self._state is State.CLOSED:
            return
        with self._changing():
            if self._state is State.HALF_OPEN and permit == self._generation:
                self._until = self._clock()

    def force_open(self) -> None:
        """Refuse calls until ``close`` or ``reset``, however the backend does."""
        with self._changing():
            self._become_open(float("inf"))

    def close(self) -> None:
        """Let calls pass again; should they fail, the next cool-down is the longer one."""
        with self._changing():
            doublings = self._doublings
            self._become_closed()
            self._doublings = doublings

    def reset(self) -> None:
        """Forget everything, as if it were new."""
        with self._changing():
            self._become_closed()

    def _count(self, permit: int, *, faults: int, open_at_once: bool = False) -> None:
        with self._changing():
            if abs(permit) != self._generation:
                return  # It was made before the state changed: it tells of another time.
            if self._state is State.CLOSED:
                self._count_in_window(faults)
                if open_at_once or self._is_too_much():
                    self._cool_down()
            elif not faults and self._until != float("inf"):
                self._become_closed()
            elif faults and self._state is State.HALF_OPEN and permit > 0:
                self._cool_down()

    def _count_in_window(self, faults: int) -> None:
        now = self._clock()
        if self._window_end is not None and now >= self._window_end:
            self._calls = self._faults = 0
            self._window_end = None
        if faults and self._window_end is None:
            self._window_end = now + self.options.window
        if self._window_end is not None:
            self._calls += 1
            self._faults += faults
        self._consecutive = self._consecutive + 1 if faults else 0

    def _is_too_much(self) -> bool:
        if self._consecutive >= self.options.failures:
            return True
        if self._calls < self.options.minimum_calls:
            return False
        return 0 < self._faults / self._calls >= self.options.rate

    def _cool_down(self) -> None:
        longest = self.options.cooldown * 2**self._doublings
        seconds = min(longest, self.options.max_cooldown)
        self._become_open(seconds * (1 - self.options.jitter * self._draw()))
        self._doublings = min(self._doublings + 1, _MAX_DOUBLINGS)

    def _become_open(self, seconds: float) -> None:
        self._state = State.OPEN
        self._generation += 1
        self._until = self._clock() + seconds

    def _become_half_open(self) -> None:
        self._state = State.HALF_OPEN
        self._generation += 1
        self._until = self._clock() + self.options.lease

    def _become_closed(self) -> None:
        self._state = State.CLOSED
        self._generation += 1
        self._until = 0.0
        self._doublings = self._calls = self._faults = self._consecutive = 0
        self._window_end = None

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with _lock:
            old = self._state
            yield
            new = self._state
        if new is not old:
            self._on_change(old, new)


# One for all: it is held for arithmetic only.
_lock = threading.Lock()


def _renew_lock() -> None:
    """Whichever thread held it does not exist in a forked child."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)
