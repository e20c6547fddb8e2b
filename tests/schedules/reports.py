"""Violations as they are read: the steps of each, and the line that plays it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .enumeration import Enumeration, Found, Violation, schedule_of, text_of
from .scenes import Scene
from .stage import staged
from .worlds import World


def told_in_full(scene: Scene, violation: Violation, extras: str = "") -> str:
    """Return all about a violation."""
    title = f"{violation.verdict.kind}: {scene}"
    return "\n".join((title, *violation.lines(), _again(scene, violation, extras)))


def _again(scene: Scene, violation: Violation, extras: str) -> str:
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
        enumeration = Enumeration(scene, extras)
        if schedule == "all":
            found = enumeration.run()
            write("\n".join((*_all_of(scene, found, extras), "")))
        else:
            violation = enumeration.play(schedule_of(schedule))
            assert violation is not None
            write(f"{told_in_full(scene, violation, extras)}\n")


def _all_of(scene: Scene, found: Found, extras: str) -> Iterator[str]:
    for violation in found.violations.values():
        yield f"{told_in_full(scene, violation, extras)}\n"
    yield f"{found.schedules} schedules, of which {found.runs} were played"
