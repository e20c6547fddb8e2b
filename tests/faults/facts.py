"""What one run came to: all that the rules judge by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .operations import SAVE, WRITE, Operation
from .strikes import BEFORE, FORBIDDEN, KILLED, Call, Strike
from .worlds import LOCAL, NAME, Setup, State, World, served

#: What a rule yields: what is wrong.
Complaints = Iterator[str]
ANSWERED, RAISED, ENDED, WAITS = "answered", "raised", "was killed", "waits for ever"


@dataclass(frozen=True)
class Outcome:
    """What the user was told: an answer, an error, or nothing as the process ended."""

    kind: str
    value: Any = None
    error: Exception | None = None

    def __str__(self) -> str:
        if self.kind == RAISED:
            return f"raised {type(self.error).__name__}({self.error})"
        return f"answered {self.value!r}" if self.kind == ANSWERED else self.kind


@dataclass(frozen=True)
class Run:
    """One operation in one world, struck once or not at all."""

    world: World
    operation: Operation
    strike: Strike | None
    before: State
    after: State
    outcome: Outcome
    handed_out: bool = False
    #: All calls that were made, and those that failed, the one that was struck first.
    calls: tuple[Call, ...] = ()
    failed: tuple[Call, ...] = ()

    def __str__(self) -> str:
        return f"{self.world} | {self.operation} | {self.strike or 'no fault'}"

    @property
    def setup(self) -> Setup:
        return self.world.setup

    @property
    def struck(self) -> Call | None:
        """The call that was struck, if the process came to it."""
        return self.failed[0] if self.failed else None

    @cached_property
    def ill(self) -> frozenset[int]:
        """The backends that failed."""
        return frozenset(call.backend for call in self.failed)

    def failed_at(self, *operations: str) -> bool:
        """Whether one of these calls failed."""
        return any(call.operation in operations for call in self.failed)

    @property
    def deletes_all(self) -> bool:
        """Whether a delete leaves no copy to be served."""
        return self.setup.is_overlay or self.setup.delete == "all"

    @property
    def inferred_missing(self) -> frozenset[int]:
        """The backends whose refusal counts as absence, by their owner's word."""
        if self.strike is None or self.strike.kind != FORBIDDEN:
            return frozenset()
        members = self.setup.members
        return frozenset(number for number in self.ill if members[number].denied_is_missing)

    @property
    def is_acknowledged(self) -> bool:
        return self.outcome.kind == ANSWERED

    @cached_property
    def old(self) -> bytes | None:
        """What was served under the name before."""
        return served(self.setup, self.before, NAME)

    @cached_property
    def now(self) -> bytes | None:
        """What is served under the name afterwards, with all backends in good health."""
        return served(self.setup, self.after, NAME)

    @cached_property
    def asked_for(self) -> bytes | None:
        """What the name holds if the operation is done."""
        return self.operation.result(self.old)

    @property
    def overwriter(self) -> int | None:
        """The backend that a save is to overwrite the name in, by its owner's wish."""
        first = next(iter(self.setup.writable), None)
        if first is None or not self.setup.members[first].overwrites:
            return None
        return first if NAME in self.before[first] else None

    @property
    def is_beyond_help(self) -> bool:
        """Whether nothing could be cleaned up: the process or the backend was gone."""
        if self.strike is None:
            return False
        return self.strike.kind == KILLED or self.strike.lasting or bool(self.strike.again)

    @cached_property
    def half_is_the_backends_own(self) -> bool:
        """Whether half a file is what the bare storage would leave as well.

        It writes in place, and either nobody was there to clean up, or it was writing into a
        file of its own, or into one that the user was given. A save that then succeeded in
        another backend has to clean up, unless that would bring an older file to light.
        """
        return any(self._leaves_half(call) for call in self.failed)

    @cached_property
    def hides_the_file_by_a_part(self) -> bool:
        """Whether a promotion left a part of the file, whose undoing failed as well."""
        return (
            self.setup.promote
            and self.is_beyond_help
            and any(call.operation == "save" and self._leaves_half(call) for call in self.failed)
        )

    def _leaves_half(self, failed: Call) -> bool:
        if not (self._has_begun(failed.backend) and self._writes_in_place(failed.backend)):
            return False
        if self.is_beyond_help or (self.handed_out and self.operation.purpose == WRITE):
            return True
        if self.strike is None or self.strike.when == BEFORE:
            return False
        if self.is_acknowledged and not self._hides_another:
            return False
        if self.operation.purpose == WRITE and failed.operation == "open":
            return True  # An empty file, which may as well be what another process has opened.
        replaces = self.operation.purpose == WRITE or self.overwriter == failed.backend
        return replaces and NAME in self.before[failed.backend]

    @property
    def _hides_another(self) -> bool:
        """Whether the copy that a save was to replace is not the only one."""
        return self.operation.purpose == SAVE and sum(NAME in files for files in self.before) > 1

    def _has_begun(self, backend: int) -> bool:
        """Whether a backend had been asked to change anything."""
        return any(call.mutates and call.backend == backend for call in self.calls)

    def _writes_in_place(self, backend: int) -> bool:
        member = self.setup.members[backend]
        return member.writes_in_place or (self.operation.purpose == WRITE and member.kind in LOCAL)
