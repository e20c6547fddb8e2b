"""Scenes: two operations in one world, played in any order of their steps, and judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .model import Model
from .operations import OPERATIONS
from .oracle import Seen, Told, explains, look
from .promises import is_race_free
from .runs import Choose, Run
from .stage import Stage
from .steps import FULL, Deadlock
from .verdict import kind_of, never
from .worlds import Place, World

Pair = tuple[str, str]


@dataclass(frozen=True)
class Verdict:
    """What a run came to; ``kind`` says what is wrong with it, and is empty if nothing is."""

    kind: str
    lines: tuple[str, ...] = ()


class Playable(Protocol):
    """What schedules are enumerated of."""

    #: Whether it is the same with the actors' names exchanged.
    is_symmetric: bool

    def play(self, choose: Choose) -> Run:
        """Play a run from the start."""

    def fingerprint(self) -> object:
        """Return all that the actors can see now."""

    def judge(self, run: Run) -> Verdict:
        """Return what a run that was just played came to."""


class Scene:
    """Two operations in one world."""

    def __init__(self, stage: Stage, world: World, pair: Pair) -> None:
        self.world = world
        self.pair = pair
        self.is_symmetric = pair[0] == pair[1]
        self._stage = stage
        self._place = Place(world, stage)
        self.fingerprint = self._place.fingerprint
        self._seen: dict[object, Seen] = {}
        self._explained: dict[object, str] = {}

    def __str__(self) -> str:
        return f"{self.pair[0]} and {self.pair[1]} in {self.world}"

    def play(self, choose: Choose) -> Run:
        self._place.fill()
        one, two = self._place.of_actors
        operations = (OPERATIONS[self.pair[0]](one, "A"), OPERATIONS[self.pair[1]](two, "B"))
        return self._stage.play(operations, choose, kills=self.world.apart)

    def judge(self, run: Run) -> Verdict:
        told = self._told(run)
        lines = tuple(map(str, told))
        if isinstance(run.why_ended, Deadlock):
            return Verdict("each waits for the other", lines)
        is_disturbed = any(taken.how for taken in run.taken)
        problem = next(self._place.problems(is_disturbed=is_disturbed), None)
        seen = self._look()
        kind = problem or next(iter(seen.problems), None) or self._kind(told, seen, is_disturbed)
        return Verdict(kind, (*lines, str(seen)))

    def _told(self, run: Run) -> tuple[Told, Told]:
        one, two = (
            Told(
                actor.name,
                operation,
                tuple(part.result for part in actor.done),
                tuple(part.began for part in [*actor.done, actor.part] if part is not None),
                is_cut_off=actor.part is not None,
                met_full_disk=any(t.how == FULL and t.actor == actor.name for t in run.taken),
            )
            for actor, operation in zip(run.pair, self.pair, strict=True)
        )
        return one, two

    def _look(self) -> Seen:
        files = self.fingerprint()
        if files not in self._seen:
            self._seen[files] = look(self._place)
        return self._seen[files]

    def _kind(self, told: tuple[Told, Told], seen: Seen, is_disturbed: bool) -> str:
        key = repr(told), seen, is_disturbed
        if key not in self._explained:
            self._explained[key] = self._explain(told, seen, is_disturbed)
        return self._explained[key]

    def _explain(self, told: tuple[Told, Told], seen: Seen, is_disturbed: bool) -> str:
        if not is_race_free(self.world, self.pair):
            return next(never(told, seen), "")
        start = Model.of(self.world, is_disturbed=is_disturbed)
        return "" if explains(start, told, seen) else kind_of(told, seen)
