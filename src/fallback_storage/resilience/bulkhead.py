"""A backend's own threads, so that nobody waits for it longer than its deadline.

A call cannot be ended from outside, only left to itself: its thread is *stuck* until it returns.
Threads are daemons: a stuck one does not hold up the interpreter's exit. The thread that became
idle last is used first: one that has not used its client yet may need to build it.

There is no lock here, as ``Future.result`` takes: callers add to a queue, and workers take from
it. A caller may be interrupted anywhere, and garbage collected anywhere may make a call too.
"""

from __future__ import annotations

import os
import sys
import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from fallback_storage.errors import BulkheadFull, DeadlineExceeded
from fallback_storage.resilience.call import NO_RECOVERY, Call, Recovery
from fallback_storage.resilience.workers import Clock, Workers, dismiss

T = TypeVar("T")

#: For how many seconds more than its deadline a call may wait for clients to be built.
PREPARATION = 10.0


class Bulkhead:
    """At most ``threads`` threads that make calls, and ``spare`` more in place of stuck ones.

    ``spare`` is for a client that can do without what a stuck call holds.
    """

    def __init__(
        self, name: str, threads: int, *, spare: int = 0, clock: Clock = time.monotonic
    ) -> None:
        self.name = name
        self.threads = threads
        self.owner: object = object()  # What its calls are known by in ``under_way``.
        self._clock = clock
        self._new_workers = partial(Workers, name, threads, spare, clock, self.owner)
        # By process: a forked one has none of its parent's threads, and uWSGI runs no hooks.
        self._workers: dict[int, Workers] = {}
        weakref.finalize(self, dismiss, self._workers).atexit = False

    @property
    def stuck(self) -> int:
        """How many threads are in a call that nobody waits for any more."""
        return self._here().stuck

    def run(
        self,
        function: Callable[[], T],
        seconds: float | None = None,
        recovery: Recovery = NO_RECOVERY,
    ) -> T:
        """Make a call in a thread, and wait for ``seconds`` at most; ``None``: until it ends.

        Context variables are the caller's. Raises ``DeadlineExceeded``, at once where every thread
        is stuck; ``BulkheadFull`` where the call got no thread, or so late that its silence says
        nothing. An interrupted caller leaves the call to itself. But it waits for the end of a
        write, which has no deadline, once that has begun, unless it is interrupted again.
        """
        if sys.is_finalizing():  # No other thread runs any more.
            return function()
        workers, call = self._here(), Call(function, recovery, self.owner)
        try:
            workers.waiting.append(call)
            workers.wake()
            has_ended = call.ended.acquire(timeout=-1 if seconds is None else seconds)
            if not has_ended and seconds is not None:
                has_ended = self._wait_for_clients(workers, call, seconds)
            if not has_ended and (call.is_answered or not workers.leave(call)):
                has_ended = call.ended.acquire()
        except BaseException:
            try:
                if seconds is None and not call.withdraw() and not call.is_over:
                    call.ended.acquire()
            finally:
                workers.leave(call)
            raise
        if has_ended:
            return call.result()
        limit = cast(float, seconds)
        if call.began_at is None or self._clock() - call.began_at < limit / 2:
            free = f"none of its {self.threads} THREADS was free in time ({limit:g} s)"
            raise BulkheadFull(f"{self.name}: {free}.")
        raise DeadlineExceeded(f"{self.name} has not answered within {limit:g} s.")

    def _wait_for_clients(self, workers: Workers, call: Call[Any], seconds: float) -> bool:
        """Wait on where clients were built meanwhile, for ``PREPARATION`` seconds at most."""
        ends = self._clock() + PREPARATION
        while (more := workers.time_since_preparing(seconds)) > 0 and self._clock() < ends:
            if call.ended.acquire(timeout=more):
                return True
        return False

    def offer(self, function: Callable[[], T]) -> Callable[[], T]:
        """Let a thread make a call when one is free; return what waits for its answer.

        If no thread has begun the call by then, it is made there.
        """
        workers, call = self._here(), Call(function, NO_RECOVERY, self.owner)
        workers.waiting.append(call)
        workers.wake()
        return partial(workers.collect, call)

    def _here(self) -> Workers:
        workers = self._workers.get(process := os.getpid())
        if workers is None:
            for other in self._workers.keys() - {process}:
                self._workers.pop(other, None)
            workers = self._workers.setdefault(process, self._new_workers())
        return workers
