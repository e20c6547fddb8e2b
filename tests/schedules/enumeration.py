"""All schedules of a scene, each played at most once."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, groupby
from typing import Any

from .runs import Run
from .scenes import Playable, Verdict
from .steps import FULL, GO, LATE, Deadlock, Ended, Taken

#: The choices at the points of a run where there is more than one.
Schedule = tuple[str, ...]

#: How often time is up before nobody believes any more that waiting helps.
_PATIENCE = 20


class NotDeterministicError(Ended):
    """The same choices led elsewhere: something was left to chance, or to time."""


class _Merged(Ended):
    """From here on all has been seen: both actors know what they knew, and see what they saw."""


@dataclass(frozen=True)
class Violation:
    """A schedule that is wrong, as it was played."""

    schedule: Schedule
    verdict: Verdict
    taken: Sequence[Taken]

    def lines(self) -> Iterator[str]:
        """Yield the steps, and what they came to."""
        yield from (f"{number:4} {taken}" for number, taken in enumerate(self.taken, 1))
        yield from (f"     {line}" for line in self.verdict.lines)


@dataclass
class Found:
    """What an enumeration came to."""

    #: How many schedules there are.
    schedules: int = 0
    #: How many were played: the others come to what one of these does.
    runs: int = 0
    #: The first violation of each kind: none has fewer changes of turn.
    violations: dict[str, Violation] = field(default_factory=dict)
    #: All that schedules came to.
    verdicts: set[Verdict] = field(default_factory=set)


class Enumeration:
    """Plays all schedules, those with the fewest changes of turn first.

    What an actor does next depends on what it has seen so far alone. So, where both have seen what
    they had seen in an earlier schedule, and the world is as it was, what follows is known: it is
    not played again, but counted.
    """

    def __init__(self, scene: Playable, extras: str = "", *, merges: bool = True) -> None:
        self._scene = scene
        #: What may become of one step of a run, besides that it is taken; with the name of an
        #: actor, of one of its steps alone.
        self._extras = extras
        self._merges = merges
        self._found = Found()
        self._number = count()
        self._waiting: list[tuple[int, int, Schedule, Any, str]] = [(0, 0, (), None, "")]
        #: By what was known at a point: what was known at the next one, by what was chosen.
        self._next: dict[Any, dict[str, Any]] = {}
        self._fingerprint: object = None
        self._point: Any = None
        self._choice, self._cost = "", 0

    def run(self) -> Found:
        """Play them all."""
        while self._waiting:
            self._cost, _, schedule, self._point, self._choice = heapq.heappop(self._waiting)
            self._play(schedule)
        self._found.schedules = self._count(None, {})
        return self._found

    def play(self, schedule: Schedule) -> Violation:
        """Play one schedule; whoever is at it goes on where it ends."""
        violation = self._play(schedule)
        assert violation is not None
        return violation

    def _play(self, schedule: Schedule) -> Violation | None:
        self._schedule, self._chosen = schedule, list[str]()
        run = self._scene.play(self._choose)
        if run.why_ended is not None and not isinstance(run.why_ended, (_Merged, Deadlock)):
            raise run.why_ended
        self._found.runs += 1
        if isinstance(run.why_ended, _Merged):
            return None
        self._next.setdefault(self._point, {})[self._choice] = _END
        verdict = self._scene.judge(run)
        self._found.verdicts.add(verdict)
        violation = Violation(tuple(self._chosen), verdict, run.taken)
        if verdict.kind:
            self._found.violations.setdefault(verdict.kind, violation)
        return violation

    def _choose(self, run: Run, options: Sequence[str]) -> str:
        options = _allowed(run, options, self._extras)
        if len(options) == 1 or (not run.taken and self._scene.is_symmetric):
            return options[0]
        position = len(self._chosen)
        if position < len(self._schedule):
            choice = self._schedule[position]
            if choice not in options or self._is_elsewhere(run, options, position):
                raise NotDeterministicError(
                    f"{choice!r} is none of {options}, or at another point."
                )
        else:
            choice = self._go_on(run, options)
        self._chosen.append(choice)
        return choice

    def _is_elsewhere(self, run: Run, options: Sequence[str], position: int) -> bool:
        is_last = position == len(self._schedule) - 1 and self._point is not None
        return self._merges and is_last and self._known(run, options) != self._point

    def _go_on(self, run: Run, options: Sequence[str]) -> str:
        """Go on with the first of the options; the others have to wait."""
        point = self._known(run, options) if self._merges else (*self._chosen,)
        self._next.setdefault(self._point, {})[self._choice] = point
        if point in self._next:
            raise _Merged
        self._next[point] = {}
        for option in options[1:]:
            cost = self._cost + (option[0] != options[0][0]) + (option[1:] != GO)
            waiting = (cost, next(self._number), (*self._chosen, option), point, option)
            heapq.heappush(self._waiting, waiting)
        self._point, self._choice = point, options[0]
        return options[0]

    def _known(self, run: Run, options: Sequence[str]) -> Any:
        """Return all that decides what can follow."""
        if run.is_changed:
            self._fingerprint = self._scene.fingerprint()
            run.is_changed = False
        actors = tuple((each.history, each.has_ended, _order(each)) for each in run.pair)
        return actors, self._fingerprint, frozenset(options), run.clock

    def _count(self, point: Any, counts: dict[Any, int]) -> int:
        """Return how many schedules go on from a point."""
        if point is _END:
            return 1
        if point not in counts:
            counts[point] = sum(self._count(each, counts) for each in self._next[point].values())
        return counts[point]


_END = object()


def _order(actor: Any) -> tuple[int, ...]:
    """Return what had to come before the parts of an actor's operation."""
    return tuple(part.began for part in [*actor.done, actor.part] if part is not None)


def _allowed(run: Run, options: Sequence[str], extras: str) -> Sequence[str]:
    """Return the options, less what happens once and has happened, or never does.

    Time that is up is no such thing where nobody can do anything else.
    """
    if any(taken.how for taken in run.taken):
        extras = ""
    who = [name for name in "AB" if name in extras] or ["A", "B"]
    allowed = [o for o in options if o[1:] == GO or (o[1:] in extras and o[0] in who)]
    if any(option[1:] in (GO, FULL) for option in allowed):
        return allowed
    late = [option for option in options if option[1:] == LATE]
    if not late or sum(taken.how == LATE for taken in run.taken) > _PATIENCE:
        raise Deadlock
    return [*late, *(option for option in allowed if option not in late)]


def text_of(schedule: Iterable[str]) -> str:
    """Return a schedule as it is written: ``A3,B2,Ax`` for A, A, A, B, B, Ax."""
    groups = ((choice, len(list(group))) for choice, group in groupby(schedule))
    return ",".join(f"{choice}{number if number > 1 else ''}" for choice, number in groups)


def schedule_of(text: str) -> Schedule:
    """Return the schedule that a text says."""
    found = re.findall(r"([AB][a-z]?)(\d*)", text)
    return tuple(choice for choice, number in found for _ in range(int(number or 1)))
