"""Violations as they are read: the steps of each, and the line that plays it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .enumeration import Enumeration, Violation, schedule_of, text_of
from .scenes import Scene
from .stage import staged
from .worlds import World


class Report:
    """What the enumerations of several scenes came to."""

    def __init__(self, extras: str = "") -> None:
        self._extras = extras
        self.scenes = self.schedules = self.runs = 0
        self.violations: list[tuple[Scene, Violation]] = []

    def enumerate(self, scene: Scene) -> None:
        """Play all schedules of a scene."""
        found = Enumeration(scene, self._extras).run()
        self.scenes += 1
        self.schedules += found.schedules
        self.runs += found.runs
        self.violations += [(scene, violation) for violation in found.violations.values()]

    def __str__(self) -> str:
        return "\n\n".join((self.figures(), *self._by_kind()))

    def figures(self) -> str:
        """Return how many schedules there are, and how many of them are wrong somehow."""
        return (
            f"{self.scenes} scenes, {self.schedules:,} schedules, {self.runs:,} played,"
            f" {len(self.violations)} violations"
        )

    def _by_kind(self) -> Iterator[str]:
        """Yield the shortest violation of each kind in full, and how to see the others."""
        kinds: dict[str, list[tuple[Scene, Violation]]] = {}
        for scene, violation in self.violations:
            kinds.setdefault(violation.verdict.kind, []).append((scene, violation))
        for of_kind in kinds.values():
            shortest = min(of_kind, key=lambda each: len(each[1].taken))
            others = [again(*each, self._extras) for each in of_kind if each is not shortest]
            yield "\n".join((told_in_full(*shortest, self._extras), *others))


def told_in_full(scene: Scene, violation: Violation, extras: str = "") -> str:
    """Return all about a violation."""
    title = f"{violation.verdict.kind}: {scene}"
    return "\n".join((title, *violation.lines(), again(scene, violation, extras)))


def again(scene: Scene, violation: Violation, extras: str) -> str:
    """Return the command that plays a violation again."""
    schedule = text_of(violation.schedule) or "-"
    command = f"python -m tests.schedules {scene.world} {','.join(scene.pair)} {schedule} {extras}"
    return command.rstrip()


def play(
    world: str, operations: str, schedule: str, extras: str, write: Callable[[str], object]
) -> None:
    """Play all schedules, or one; write what they come to."""
    one, two = operations.split(",")
    with staged() as stage, stage.in_turns():
        scene = Scene(stage, World.parse(world), (one, two))
        if schedule == "all":
            report = Report(extras)
            report.enumerate(scene)
            write(f"{report}\n")
        else:
            violation = Enumeration(scene, extras).play(schedule_of(schedule))
            write(f"{told_in_full(scene, violation, extras)}\n")
