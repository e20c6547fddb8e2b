"""Actors: they take their steps in turns, as threads of which only one runs at a time.

They are greenlets, since a change of turn then takes a microsecond, however busy the machine is.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar

from greenlet import getcurrent, greenlet

from .steps import END, FULL, GO, LATE, Interrupted, Killed, Part, Step, Taken, TimeUp

if TYPE_CHECKING:
    from .runs import Run

T = TypeVar("T")

#: An operation in the parts that each happen at once; called, a part returns its result.
Parts = Sequence[Callable[[], Any]]

#: The first step of an actor, before it has done anything.
BEGINS = "begins"


class Actor:
    """Somebody who does an operation in one run."""

    def __init__(self, name: str, run: Run, parts: Parts) -> None:
        self.name = name
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
        self._greenlet = greenlet(self._work)
        self._greenlet.gr_context = Context()  # As a thread of its own has it.
        _actors[self._greenlet] = self

    def go(self) -> None:
        """Let it run, and return when it is this caller's turn again."""
        self._greenlet.switch()

    def _work(self) -> None:
        self._operate()
        self.has_ended = True
        del _actors[self._greenlet]

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


_actors: dict[greenlet, Actor] = {}


def actor() -> Actor | None:
    """Return the actor who runs; nobody else takes turns."""
    return _actors.get(getcurrent())
