"""A virtual clock: a deadline passes when a backend hangs, and at no other time."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from unittest import mock

from .strikes import WaitsForever

#: The deadline of the backends, in seconds that nobody waits for.
TIMEOUT = 3600.0
#: How often whoever waits looks at the clock, in real seconds; how often before it has passed.
_LOOK, _LOOKS = 0.0005, 8
#: How often whoever waits with no deadline looks before that is for ever.
_FOR_EVER = 4_000


class Clock:
    """Time stands still until a call hangs: then every deadline passes."""

    def __init__(self) -> None:
        self._user = threading.get_ident()
        self._over: threading.Event | None = None

    @property
    def passes(self) -> bool:
        return self._over is not None

    @property
    def is_the_users(self) -> bool:
        """Whether it is the user's own thread that asks."""
        return threading.get_ident() == self._user

    def hang(self) -> None:
        """Keep a call until its process is over; the user must not be kept so."""
        if self.is_the_users:
            raise WaitsForever
        self._over = over = self._over or threading.Event()
        over.wait()

    def release(self) -> None:
        """Let go of the calls that hang, for nobody waits for them any more."""
        over, self._over = self._over, None
        if over is not None:
            over.set()


class _Lock:
    """A lock whose timeout is told by a clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._real = _thread.allocate_lock()
        self.release = self._real.release
        self.locked = self._real.locked

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        has_deadline = timeout >= 0
        if not blocking or not (has_deadline or self._clock.is_the_users):
            return self._real.acquire(blocking)
        looks = 0
        while not self._real.acquire(timeout=_LOOK):
            looks += self._clock.passes
            if has_deadline and looks == _LOOKS:
                return False
            if looks == _FOR_EVER:
                raise WaitsForever
        return True

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *raised: object) -> None:
        self.release()


@contextmanager
def virtual_clock() -> Iterator[Clock]:
    """Whoever waits for a lock with a timeout in here waits by the virtual clock."""
    clock = Clock()
    with mock.patch.object(threading, "Lock", partial(_Lock, clock)):
        try:
            yield clock
        finally:
            clock.release()
