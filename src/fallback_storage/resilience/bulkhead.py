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
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar, cast

from fallback_storage.errors import BulkheadFull, DeadlineExceeded
from fallback_storage.resilience.call import NO_RECOVERY, Call, Recovery, under_way

T = TypeVar("T")
Clock = Callable[[], float]


class Bulkhead:
    """At most ``threads`` threads that make calls, and ``spare`` more in place of stuck ones.

    ``spare`` is for a client that can do without what a stuck call holds.
    """

    def __init__(
        self, name: str, threads: int, *, spare: int = 0, clock: Clock = time.monotonic
    ) -> None:
        self.name = name
        self.threads = threads
        self.owner = object()  # What its calls are known by in ``under_way``.
        self._clock = clock
        self._new_workers = partial(_Workers, name, threads, spare, clock, self.owner)
        # By process: a forked one has none of its parent's threads, and uWSGI runs no hooks.
        self._workers: dict[int, _Workers] = {}
        weakref.finalize(self, _dismiss, self._workers).atexit = False

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

    def offer(self, function: Callable[[], T]) -> Callable[[], T]:
        """Let a thread make a call when one is free; return what waits for its answer.

        If no thread has begun the call by then, it is made there.
        """
        workers, call = self._here(), Call(function, NO_RECOVERY, self.owner)
        workers.waiting.append(call)
        workers.wake()
        return partial(workers.collect, call)

    def _here(self) -> _Workers:
        workers = self._workers.get(process := os.getpid())
        if workers is None:
            for other in self._workers.keys() - {process}:
                self._workers.pop(other, None)
            workers = self._workers.setdefault(process, self._new_workers())
        return workers


class _Workers:
    """The threads of one process, and the calls that wait for them."""

    def __init__(self, name: str, threads: int, spare: int, clock: Clock, owner: object) -> None:
        self.waiting: deque[Call[Any]] = deque()
        self.idle: list[SimpleQueue[None]] = []  # What wakes them; last who became idle last.
        self.are_dismissed = False
        self._name, self._clock, self._owner = name, clock, owner
        self._most_stuck = threads + spare
        # Places that no worker has had yet, workers who may replace a stuck one, what all are at.
        self._vacant, self._spare = [None] * threads, [None] * spare
        self._begun: set[Call[Any]] = set()

    @property
    def stuck(self) -> int:
        return sum(call.is_stuck for call in self._begun.copy())

    def wake(self) -> None:
        """Let an idle worker look for calls, or a new one if there is a place for it."""
        try:
            self.idle[-1].put(None)
        except IndexError:
            self._enlist()

    def _enlist(self) -> None:
        if self._vacant or (self._spare and self._replaceable()):
            name = f"fallback_storage {self._name}"
            try:
                threading.Thread(target=self._work, name=name, daemon=True).start()
            except RuntimeError:  # The system has no thread left.
                if self.stuck == len(self._begun):
                    self._refuse(BulkheadFull, "no thread could be started.")
        elif self.stuck == self._most_stuck:
            self._refuse(DeadlineExceeded, "every thread waits for an overdue answer.")

    def _refuse(self, kind: type[DeadlineExceeded], why: str) -> None:
        with suppress(IndexError):
            while True:
                call = self.waiting.popleft()  # Whoever takes it is the only one to begin it.
                call.withdraw()
                call.error = kind(f"{self._name}: {why}")
                with suppress(RuntimeError):
                    call.ended.release()

    def leave(self, call: Call[Any]) -> bool:
        """Wait for a call no longer; ``False`` if it has come to its end after all."""
        if call.withdraw():
            with suppress(ValueError):
                self.waiting.remove(call)
            return True
        if not call.leave():
            return False
        try:
            with suppress(Exception):
                call.recovery.give_up()
        finally:  # Only now: the next call must not be given what is let go of here.
            call.is_given_up = True
            with suppress(RuntimeError):
                call.ended.release()
            if self.waiting:
                self.wake()
        return True

    def collect(self, call: Call[T]) -> T:
        """Return what a call comes to, made here if nobody has begun it."""
        if call.withdraw():
            self.leave(call)
            return call.function()
        call.ended.acquire()
        return call.result()

    def _work(self) -> None:
        """Make one call after another, as long as there is a place for this worker."""
        under_way.set((self._owner,))  # Garbage that is collected here must not wait for it.
        alarm, call, has_place = SimpleQueue[None](), None, self._take_place()
        while has_place:
            self.idle.append(alarm)
            if call is not None:
                self._end(call)  # Only now: whoever calls next finds this worker idle.
            call = None
            while not self.waiting and not self.are_dismissed:
                alarm.get()
            if self.are_dismissed:
                return
            self.idle.remove(alarm)
            call = self._take_call()
            if call is not None:
                call.make()
                has_place = call.finish() or self._has_place_after(call)
        if call is not None:
            self._end(call)

    def _end(self, call: Call[Any]) -> None:
        self._begun.discard(call)
        call.hand_over()

    def _take_call(self) -> Call[Any] | None:
        while self.waiting:
            with suppress(IndexError):
                call = self.waiting.popleft()
                self._begun.add(call)
                if call.begin():
                    call.began_at = self._clock()
                    if self.waiting:  # Who was to be woken for it may have been awake already.
                        self.wake()
                    return call
                self._begun.discard(call)
        return None

    def _has_place_after(self, stuck: Call[Any]) -> bool:
        stuck.ended.acquire()  # Its caller is giving up what it held.
        if stuck.replace():
            return True
        self._spare.append(None)
        return self._take_place()

    def _take_place(self) -> bool:
        """Take a vacant place, or that of a stuck worker; return whether there was one."""
        with suppress(IndexError):
            self._vacant.pop()
            return True
        for call in self._replaceable():
            with suppress(IndexError):
                self._spare.pop()
                if call.replace():
                    return True
                self._spare.append(None)
        return False

    def _replaceable(self) -> list[Call[Any]]:
        return [call for call in self._begun.copy() if call.is_replaceable]


def _dismiss(workers_by_process: dict[int, _Workers]) -> None:
    """Let the workers go: nobody can ask them any more."""
    for workers in workers_by_process.values():
        workers.are_dismissed = True
        with suppress(IndexError):
            while True:
                workers.idle.pop().put(None)
