"""The threads of a backend in one process, and what they work on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from fallback_storage.errors import DeadlineExceeded, NoThreadFree

T = TypeVar("T")


def _nothing() -> None:
    """Nothing is to be done."""


@dataclass(frozen=True)
class Rescue:
    """What makes a client usable again: after an error, and while a call of it is stuck."""

    after_error: Callable[[], object] = _nothing
    give_up: Callable[[], object] = _nothing


NO_RESCUE = Rescue()


class Job(Generic[T]):
    """One call, on its way from the thread that waits for it to the one that makes it."""

    def __init__(self, call: Callable[[], T], rescue: Rescue) -> None:
        self._call = call
        self._context = copy_context()
        self._answer: T
        self._ended = threading.Lock()
        self._ended.acquire()
        self.rescue = rescue
        self.error: BaseException | None = None
        self.started: float | None = None
        self.is_abandoned = False
        self.is_over = False

    def run(self) -> None:
        try:
            self._answer = self._context.run(self._call)
        except BaseException as error:
            self.error = error
            if not self.is_abandoned:
                with suppress(Exception):
                    self.rescue.after_error()

    def end(self) -> None:
        if self.is_abandoned:
            with suppress(Exception):  # An opened file must not stay so for nobody.
                cast(Any, self._answer).close()
        self._ended.release()

    def wait(self, seconds: float | None) -> bool:
        return self._ended.acquire(timeout=-1 if seconds is None else seconds)

    def result(self) -> T:
        if self.error is None:
            return self._answer
        try:
            raise self.error
        finally:
            self.error = None  # Its traceback holds this frame, and that holds this job.


class Crew:
    """The threads of one process. Its lock is held for arithmetic only."""

    def __init__(
        self, name: str, threads: int, most_stuck: int, clock: Callable[[], float]
    ) -> None:
        self.name = name
        self.stuck = 0
        self._threads = threads
        self._most_stuck = most_stuck
        self._clock = clock
        self._lock = threading.Lock()
        self._working = 0
        self._idle: list[_Thread] = []
        self._waiting: deque[Job[Any]] = deque()
        self._dismissed = False

    def take(self, job: Job[Any]) -> None:
        """Give a job to a thread, now or as soon as one is free."""
        with self._lock:
            if self.stuck >= self._most_stuck:
                raise self._all_stuck()
            self._waiting.append(job)
            start = self._next()
        start()

    def take_now(self, job: Job[Any]) -> bool:
        """Give a job to a thread that is free; ``False`` if none is."""
        with self._lock:
            if self._free() <= 0:
                return False
            self._waiting.append(job)
            start = self._next()
        start()
        return True

    def abandon(self, job: Job[Any]) -> bool:
        """Leave a job to itself; ``False`` if it is over after all."""
        with self._lock:
            if job.is_over:
                return False
            job.is_abandoned = True
            if job.started is None:
                with suppress(ValueError):  # It was not even taken.
                    self._waiting.remove(job)
                return True
            self.stuck += 1
            refused = self._refuse_waiting()
        for each in refused:
            each.end()
        try:
            with suppress(Exception):
                job.rescue.give_up()
        finally:  # Only now: the next call must not be given what is let go of here.
            self._replace(job)
        return True

    def _replace(self, job: Job[Any]) -> None:
        """Let another thread work in the place of the one that ``job`` keeps."""
        with self._lock:
            self._working -= 1
            start = self._next()
        start()

    def after(self, thread: _Thread | None, job: Job[Any]) -> bool:
        """A call is over; return whether the thread that made it is to stay."""
        with self._lock:
            job.is_over = True
            if job.is_abandoned:
                self.stuck -= 1
            else:
                self._working -= 1
            stays = not self._dismissed and len(self._idle) + self._working < self._threads
            if stays and thread:
                self._idle.append(thread)
            start = self._next()
        job.end()
        start()
        return stays and not self._dismissed  # It may have been while this thread was busy.

    def dismiss(self) -> None:
        """Let the threads go: nobody asks them any more."""
        self._dismissed = True
        for thread in self._idle:
            thread.give(None)

    def overdue(self, job: Job[Any], seconds: float) -> DeadlineExceeded:
        """Return what to tell whoever has waited for ``job``."""
        if job.started is None or self._clock() - job.started < seconds / 2:
            return NoThreadFree(
                f"{self.name}: none of its {self._threads} THREADS was free in time"
                f" ({seconds:g} s)."
            )
        return DeadlineExceeded(f"{self.name} has not answered within {seconds:g} s.")

    def _next(self) -> Callable[[], object]:
        """Choose who makes the next call, if it can be made now; return what starts it."""
        if self._free() <= 0 or not self._waiting:
            return _nothing
        job = self._waiting.popleft()
        job.started = self._clock()
        self._working += 1
        if self._idle:
            thread = self._idle.pop()
            return lambda: thread.give(job)
        return lambda: self._enlist(job)

    def _free(self) -> int:
        return min(self._threads, self._most_stuck - self.stuck) - self._working

    def _enlist(self, job: Job[Any]) -> None:
        thread = _Thread(self)
        thread.give(job)
        try:
            thread.start()
        except RuntimeError:  # The system has no thread left.
            job.error = NoThreadFree(f"{self.name}: no thread could be started.")
            self.after(None, job)

    def _refuse_waiting(self) -> list[Job[Any]]:
        if self.stuck < self._most_stuck:
            return []
        refused = list(self._waiting)
        self._waiting.clear()
        for job in refused:
            job.is_over, job.error = True, self._all_stuck()
        return refused

    def _all_stuck(self) -> DeadlineExceeded:
        return DeadlineExceeded(f"{self.name}: every thread waits for an overdue answer.")


class _Thread(threading.Thread):
    """Makes one call after another, until it is dismissed."""

    def __init__(self, crew: Crew) -> None:
        super().__init__(name=f"fallback_storage {crew.name}", daemon=True)
        self.crew = crew
        self._job: Job[Any] | None = None
        self._given = threading.Lock()
        self._given.acquire()

    def give(self, job: Job[Any] | None) -> None:
        self._job = job
        self._given.release()

    def run(self) -> None:
        stays = True
        while stays:
            self._given.acquire()
            job, self._job = self._job, None
            if job is None:
                return
            job.run()
            stays = self.crew.after(self, job)
            del job
