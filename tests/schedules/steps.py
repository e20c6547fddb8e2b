"""The steps that actors take, and what may become of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: A step is taken.
GO = ""
#: The actor ends before the step: its process is killed, or its thread is interrupted.
END = "x"
#: The disk is full.
FULL = "f"
#: The time for which the actor would wait is up.
LATE = "t"


class Killed(BaseException):
    """The process ends here: nothing that it would still do happens."""


class Interrupted(BaseException):
    """An interrupt in one thread: what the thread does about it still happens."""


class TimeUp(Exception):
    """A wait took as long as it may."""


def always() -> bool:
    """Return that a step can be taken whenever."""
    return True


@dataclass(frozen=True, slots=True)
class Step:
    """What an actor is about to do to something that the other one may see."""

    what: str
    where: str = ""
    #: Whether what is on the disk, or in a store, may differ afterwards.
    changes: bool = False
    #: Whether nobody else can tell when it happens: only its actor goes on from here.
    quiet: bool = False
    #: Whether the disk may be too full for it.
    takes_room: bool = False
    #: Whether it is about what a process keeps in memory, which goes when the process does.
    in_memory: bool = False
    #: Whether waiting for it ends by itself.
    has_deadline: bool = False
    #: Whether it can be taken now: the other may hold a lock.
    ready: Callable[[], bool] = always

    def __str__(self) -> str:
        return f"{self.what} {self.where}".rstrip()


@dataclass(slots=True)
class Taken:
    """A step as it was taken: by whom, and what it came to."""

    actor: str
    step: Step
    how: str
    seen: object = None

    def __str__(self) -> str:
        if self.how == END:
            return f"{self.actor} ends before: {self.step}"
        late = " (time is up)" if self.how == LATE else ""
        seen = "" if self.seen is None else f" -> {self.seen}"
        return f"{self.actor} {self.step}{late}{seen}"


@dataclass(slots=True)
class Part:
    """One part of an operation."""

    #: How many parts of the other's operation were over when it began.
    began: int
    result: Any = None


class Ended(Exception):
    """A run ends before its actors are done."""


class Deadlock(Ended):
    """Each actor waits for the other."""
