"""A backend's own threads, so that nobody waits for it longer than its deadline.

A call cannot be ended from outside, only abandoned: its thread is *stuck* until the call returns.
Threads are daemons, so that a stuck one does not hold up the interpreter's exit. The thread that
became idle last is taken first: one that has not used its client yet may need to build it.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar, cast

from fallback_storage.resilience.crew import NO_RESCUE, Crew, Job, Rescue

T = TypeVar("T")


class Pool:
    """At most ``threads`` threads that make calls, and ``spare`` more in the place of stuck ones.

    ``spare`` is for a client that can do without what a stuck call holds.
    """

    def __init__(
        self,
        name: str,
        threads: int,
        *,
        spare: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.threads = threads
        self._new_crew = partial(Crew, name, threads, threads + spare, clock)
        self.enlist()
        _pools.add(self)

    def enlist(self) -> None:
        """Begin with new threads, which start as they are needed."""
        self.crew = self._new_crew()
        weakref.finalize(self, self.crew.dismiss).atexit = False

    @property
    def stuck(self) -> int:
        """How many threads are in a call that nobody waits for any more."""
        return self.crew.stuck

    def run(
        self, call: Callable[[], T], seconds: float | None = None, rescue: Rescue = NO_RESCUE
    ) -> T:
        """Make a call in a thread, and wait for ``seconds`` at most; ``None``: until it ends.

        Context variables are the caller's. Raises ``DeadlineExceeded``, at once where every thread
        is stuck; ``NoThreadFree`` where the call did not get a thread, or so late that its silence
        says nothing.
        """
        crew, job = self.crew, Job(call, rescue)
        with _left_if_interrupted(crew, job, to_its_end=seconds is None):
            crew.take(job)
            ended = job.wait(seconds)
        if not ended and crew.abandon(job):
            raise crew.overdue(job, cast(float, seconds))
        return job.result()

    def offer(self, call: Callable[[], T]) -> Callable[[], T] | None:
        """Have a call made if a thread is free; return what waits for its answer."""
        crew, job = self.crew, Job(call, NO_RESCUE)
        with _left_if_interrupted(crew, job):
            return partial(_answer, crew, job) if crew.take_now(job) else None


def _answer(crew: Crew, job: Job[T]) -> T:
    with _left_if_interrupted(crew, job):
        job.wait(None)
    return job.result()


@contextmanager
def _left_if_interrupted(crew: Crew, job: Job[Any], *, to_its_end: bool = False) -> Iterator[None]:
    """A task's time limit or Ctrl-C ends the waiting, not the call.

    A write is waited for ``to_its_end`` once it has begun, unless interrupted a second time.
    """
    try:
        yield
    except BaseException:
        try:
            if to_its_end and job.started is not None and not job.is_over:
                job.wait(None)
        finally:
            crew.abandon(job)
        raise


_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


def _enlist_anew() -> None:
    """The threads of the process that this one was forked from do not exist here."""
    for pool in list(_pools):
        pool.enlist()


os.register_at_fork(after_in_child=_enlist_anew)
