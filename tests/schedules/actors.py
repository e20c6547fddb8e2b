"""Actors: threads that take their steps in turns, so that only one of them runs at a time."""

from __future__ import annotations

import _thread
import errno
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar

from .steps import END, FULL, GO, LATE, Interrupted, Killed, Part, Step, Taken, TimeUp

if TYPE_CHECKING:
    from .runs import Run

T = TypeVar("T")

#: An operation in the parts that each happen at once; called, a part returns its result.
Parts = Sequence[Callable[[], Any]]

#: The first step of an actor, before it has done anything.
BEGINS = "begins"


class Actor:
    """A thread that does one operation after another, each step when it is chosen."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._ends = False
        self._turn = _thread.allocate_lock()
        self._turn.acquire()
        self._thread = threading.Thread(target=self._work, name=f"actor {name}", daemon=True)
        self._thread.start()

    def prepare(self, run: Run, parts: Parts) -> None:
        """Get ready to do an operation."""
        self.run = run
        self._parts = parts
        self.pending: Step | None = None
        self.how = GO
        #: A hash of all that it has seen, on which alone it depends what it does next.
        self.history = 0
        self.done: list[Part] = []
        #: The part that has begun and is not done.
        self.part: Part | None = None
        self.is_dead = False
        self.has_ended = False
        self.locks_made = 0

    def go(self) -> None:
        """Let it run: whoever says so waits, or ends."""
        self._turn.release()

    def wait(self) -> None:
        """Wait for ``go``."""
        self._turn.acquire()

    def leave(self) -> None:
        """End the thread."""
        self._ends = True
        self.go()
        self._thread.join()

    def _work(self) -> None:
        sys.settrace(None)  # To measure the coverage of each run would take longer than the runs.
        _actors[threading.get_ident()] = self
        self.wait()
        while not self._ends:
            Context().run(self._operate)  # As a thread of its own has it.
            self.run.has_ended(self)
            self.wait()
        del _actors[threading.get_ident()]

    def _operate(self) -> None:
        try:
            self.step(Step(BEGINS), lambda: None)
            for part in self._parts:
                if isinstance(self._result_of(part), Exception):
                    break
        except (Killed, Interrupted):
            pass

    def _result_of(self, part: Callable[[], Any]) -> Any:
        try:
            result = part()
        except Exception as error:  # Whatever it is, it is for the oracle to judge.
            result = error
        done = self._begun()
        done.result = result
        self.done.append(done)
        self.part = None
        return result

    def _begun(self) -> Part:
        self.part = self.part or Part(self.run.other(self).over)
        return self.part

    @property
    def over(self) -> int:
        """How many parts are over, one that was cut off included."""
        return len(self.done) + (self.has_ended and self.part is not None)

    def step(self, step: Step, do: Callable[[], T], seen: Callable[[T], object] = repr) -> T:
        """Take a step when it is chosen; ``seen`` tells what the actor learns from its result."""
        if self.is_dead:
            raise Killed
        self.run.turn(self, step)
        taken = Taken(self.name, step, self.how)
        self.run.taken.append(taken)
        try:
            self._meet(step)
            result = do()
            taken.seen = None if result is None else seen(result)
        except OSError as error:
            taken.seen = type(error).__name__
            raise
        finally:
            self.run.is_changed |= step.changes
            self.history = hash((self.history, step.what, step.where, self.how, str(taken.seen)))
        return result

    def _meet(self, step: Step) -> None:
        """Raise what the step comes to instead, if it is not taken."""
        if self.how == END:
            self.is_dead = self.run.kills
            raise Killed if self.run.kills else Interrupted
        if step.what != BEGINS:
            self._begun()
        if self.how == LATE:
            raise TimeUp
        if self.how == FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


_actors: dict[int, Actor] = {}


def actor() -> Actor | None:
    """Return the actor whose thread this is; other threads take no turns."""
    return _actors.get(threading.get_ident())
