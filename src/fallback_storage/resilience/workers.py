"""The threads of a bulkhead in one process, and the calls that wait for them."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

from fallback_storage.errors import BulkheadFull, DeadlineExceeded
from fallback_storage.resilience.call import Call, under_way

T = TypeVar("T")
Clock = Callable[[], float]

# How often to look whether a client has been built, in seconds.
_LOOK_AGAIN = 0.1


class Workers:
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
        self._prepared_at = -math.inf

    def time_since_preparing(self, seconds: float) -> float:
        """Return how much longer to wait: until ``seconds`` after the last client was built."""
        if any(call.is_preparing for call in self._begun.copy()):
            return min(seconds, _LOOK_AGAIN)
        return self._prepared_at + seconds - self._clock()

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
                if call.prepare():
                    call.began_at = self._prepared_at = self._clock()
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


def dismiss(workers_by_process: dict[int, Workers]) -> None:
    """Let the workers go: nobody can ask them any more."""
    for workers in workers_by_process.values():
        workers.are_dismissed = True
        with suppress(IndexError):
            while True:
                workers.idle.pop().put(None)
