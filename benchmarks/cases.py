"""Each method, wherever the file is, over each layout: the questions, and who answers them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from .section import Player
from .world import FIRST, NOWHERE, SECOND, World

READS = ("exists", "open, read", "size", "url")


@dataclass(frozen=True)
class Layout:
    """What the members of a combined storage are, by the names that `World` has for them."""

    label: str
    members: tuple[str, ...]
    #: Of the members on S3, beside their defaults.
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def hits(self) -> tuple[str, ...]:
        return (FIRST, NOWHERE) if len(self.members) == 1 else (FIRST, SECOND, NOWHERE)


LOCAL = Layout("[FileSystem]", ("local",))
BELOW = Layout("[FileSystem, S3]", ("local", "lower"))
SIDE_BY_SIDE = Layout("[S3, S3']", ("one", "two"))
LAYOUTS = (LOCAL, BELOW, SIDE_BY_SIDE)


@dataclass(frozen=True)
class Case:
    """One method, asked about a name that the first or the second member has, or none."""

    layout: Layout
    operation: str
    hit: str

    @property
    def bare(self) -> str:
        """The member that a user of one storage would have asked."""
        members = self.layout.members
        if self.operation == "save" or self.hit == FIRST:
            return members[0]
        return members[-1]

    @property
    def label(self) -> str:
        return f"{self.layout.label} {self.operation} {self.hit}"


def cases(*layouts: Layout) -> Iterator[Case]:
    """Every question that makes sense: a new name is nobody's, a list is of what is there."""
    for layout in layouts:
        for operation in READS:
            for hit in layout.hits:
                yield Case(layout, operation, hit)
        for hit in layout.hits[:-1]:
            yield Case(layout, "listdir", hit)
        yield Case(layout, "save", NOWHERE)


@dataclass(frozen=True)
class Names:
    """The names of one player: those it saves are new each time."""

    player: Player
    _numbers: Any

    @classmethod
    def of(cls, player: Player) -> Names:
        return cls(player, count())

    def batch(self, case: Case, calls: int) -> dict[str, Any]:
        """What `run` takes for so many calls."""
        if case.operation == "save":
            return {"names": [self._new() for _ in range(calls)]}
        name = case.hit if case.operation == "listdir" else f"{case.hit}/00.bin"
        return {"names": [name], "times": calls}

    def _new(self) -> str:
        return f"saved/{self.player.directory.name}/{next(self._numbers)}.bin"


def build(world: World, player: Player, *layouts: Layout, counted: bool = False) -> None:
    """Build a player's storages: of each layout, or each of its members by itself."""
    for layout in layouts:
        specs = [_member(world, player, role, layout, counted) for role in layout.members]
        if not player.contender.is_bare:
            player.build(layout.label, specs)
        else:
            for role, spec in zip(layout.members, specs, strict=True):
                player.build(bare_key(layout, role), [spec])


def _member(
    world: World, player: Player, role: str, layout: Layout, counted: bool
) -> dict[str, Any]:
    if role == "local":
        return world.local(player.directory)
    return world.s3(role, counted=counted, **layout.options)


def bare_key(layout: Layout, role: str) -> str:
    """What a member of a layout is called, by itself."""
    return f"{role} of {layout.label}"


def key(player: Player, case: Case) -> str:
    """Which of a player's storages a case is put to."""
    return bare_key(case.layout, case.bare) if player.contender.is_bare else case.layout.label
