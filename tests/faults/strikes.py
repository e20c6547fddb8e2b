"""A process whose n-th call to a backend fails, in one of many ways."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

BEFORE, AFTER, MIDDLE = "before", "after", "middle"
KILLED, HUNG, FULL, FORBIDDEN = "killed", "hung", "full", "forbidden"


class Killed(BaseException):
    """The process ends here. Nothing that it does afterwards has any effect."""


class WaitsForever(BaseException):
    """The user waits for a backend that hangs, with no deadline."""


class Forbidden(Exception):
    """A server's refusal, known by its status alone."""

    status_code = 403


def _os_error(code: int) -> Callable[[], Exception]:
    return lambda: OSError(code, os.strerror(code))


#: What a backend raises that cannot do what it is asked.
ERRORS: dict[str, Callable[[], Exception]] = {
    "refused": _os_error(errno.ECONNREFUSED),
    "denied": _os_error(errno.EACCES),
    "broken": _os_error(errno.EIO),
    FULL: _os_error(errno.ENOSPC),
    HUNG: _os_error(errno.ETIMEDOUT),
    FORBIDDEN: Forbidden,
}


@dataclass(frozen=True)
class Strike:
    """What happens at one call: `kind` is an error, or what becomes of the process."""

    call: int
    when: str
    kind: str
    #: Whether the backend fails from then on; a full disk only refuses what takes room.
    lasting: bool = False
    #: Another call that fails, later on.
    again: int = 0

    def __str__(self) -> str:
        again = f" and n={self.again}" if self.again else ""
        return f"n={self.call} {self.when} {self.kind}{' lasting' if self.lasting else ''}{again}"


@dataclass(frozen=True)
class Call:
    """One call to one backend."""

    backend: int
    operation: str
    #: Whether it is meant to change what is stored.
    mutates: bool
    #: Whether it can end in the middle of the content.
    divisible: bool

    @property
    def takes_room(self) -> bool:
        """Whether a full disk refuses it."""
        return self.mutates and self.divisible


class Process:
    """One process that uses the backends; its calls are counted while it runs."""

    def __init__(self) -> None:
        self.hang: Callable[[], None] | None = None
        self.begin()
        self.running = False

    def begin(self, strike: Strike | None = None) -> None:
        """Start anew, to be struck at that call."""
        self.strike = strike
        self.calls: list[Call] = []
        #: The calls that failed, as they were made.
        self.failed: list[Call] = []
        self.dead = False
        self.running = True
        self._lock = threading.Lock()

    def end(self) -> None:
        """Whatever is still done in its name has no effect."""
        self.running = False
        self.dead = True

    def call(
        self,
        backend: int,
        operation: str,
        effect: Callable[[], T],
        *,
        mutates: bool = False,
        half: Callable[[], object] | None = None,
    ) -> T:
        """Make one call: its effect, or the half of it, or what strikes it."""
        when = self._met(Call(backend, operation, mutates, half is not None))
        if when is None:
            return effect()
        strike = self.strike
        assert strike is not None
        if strike.kind == HUNG and self.hang is not None:
            self.hang()
        elif when != BEFORE:
            with suppress(Exception):  # What it cannot do it cannot do by half either.
                (half or effect)() if when == MIDDLE else effect()
        if strike.kind == KILLED:
            self.dead = True
            raise Killed
        raise ERRORS[strike.kind]()

    def _met(self, call: Call) -> str | None:
        """Count a call; return how far a call that is struck comes."""
        with self._lock:
            if self.dead:
                raise Killed
            self.calls.append(call)
            strike, number = self.strike, len(self.calls)
            if strike is None:
                return None
            when = strike.when if number == strike.call else None
            if number == strike.again or self._still_fails(strike, call):
                when = BEFORE
            if when is not None:
                self.failed.append(call)
            return when

    def _still_fails(self, strike: Strike, call: Call) -> bool:
        if not (strike.lasting and self.failed and call.backend == self.failed[0].backend):
            return False
        return strike.kind != FULL or call.takes_room


def strikes_at(number: int, call: Call, kinds: Sequence[str]) -> Iterator[Strike]:
    """Yield each way in which one call can be struck, but for those that come to the same."""
    moments = [BEFORE]
    if call.mutates:
        moments.append(AFTER)
    if call.divisible:
        moments.append(MIDDLE)
    for when in moments:
        for kind in kinds:
            if _tells_more(call, when, kind):
                if kind != FULL:
                    yield Strike(number, when, kind)
                if kind not in (KILLED, HUNG):
                    yield Strike(number, when, kind, lasting=True)


def _tells_more(call: Call, when: str, kind: str) -> bool:
    """Whether a strike is worth its time."""
    if kind == KILLED:  # Between two looks it is what it is before the next change.
        return call.mutates
    if kind == HUNG:  # A write is never abandoned; `url` is taken to need no server.
        return when == BEFORE and not call.mutates and call.operation != "url"
    if kind == FULL:  # What matters is that what takes no room succeeds afterwards.
        return call.takes_room and when != AFTER
    return True
