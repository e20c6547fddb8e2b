"""The worlds in which schedules are played, and the pairs of operations in each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product

import django

from .operations import OPERATIONS
from .scenes import Pair
from .steps import END, FULL, LATE
from .worlds import PLACINGS, World

#: As many as `make soak` asks for, else as a suite has time for.
PLAYS_ALL = os.environ.get("SCHEDULES") == "all"

#: Stores of objects cannot change a part of one.
_IN_PLACE = frozenset({"ab", "r+b", "xb"})


@dataclass(frozen=True)
class Case:
    """A world, what may happen there besides, and the operations of the actors."""

    world: World
    extras: str
    operations: Sequence[str]

    def __str__(self) -> str:
        return f"{self.world},{self.extras}".rstrip(",")

    def pairs(self) -> list[Pair]:
        """Return every pair of the operations, whichever comes first."""
        return list(combinations_with_replacement(self.operations, 2))


def case(text: str, *operations: str, extras: str = "") -> Case:
    """Return the case of a world's text; with all operations that are possible, or with these."""
    world = World.parse(text)
    possible = [name for name in OPERATIONS if world.is_local or name not in _IN_PLACE]
    return Case(world, extras, operations or possible)


def _small() -> Iterator[Case]:
    changing = ("save", "delete", "read", "wb", "ab", "r+b", "xb")
    yield case("overlay,disk,kept,nowhere,plain,processes", *changing)
    yield case("overlay,disk,kept,second,promoting,processes", *changing, "url")
    yield case("overlay,disk,kept,both,promoting,threads", "save", "replace", "read", "ab")
    yield case("fallback,disk,kept,nowhere,plain,processes", *changing, "size")
    yield case("fallback,disk,kept,second,promoting,processes", *changing)
    yield case("fallback-all,disk,spare,both,promoting,threads", "save", "delete", "read", "r+b")
    yield case("overlay,objects,kept,second,promoting,threads")
    yield case("fallback,objects-over,kept,first,promoting,threads", "replace", "read", "wb")
    yield case("overlay,s3,kept,nowhere,promoting,processes", "save", "wb")
    yield case("overlay,disk,kept,second,promoting,processes", "save", "delete", extras=END)
    yield case("fallback,disk,kept,nowhere,plain,processes", "save", "read", extras=END)
    yield case("overlay,disk,kept,second,plain,threads", "save", "delete", extras=END)
    yield case("fallback,disk,spare,nowhere,plain,processes", "save", extras=f"A{FULL}")


def _all() -> Iterator[Case]:
    # Django overwrites on disks from 5.1 on.
    disks = ("disk", "disk-over") if django.VERSION >= (5, 1) else ("disk",)
    for world in _worlds(*disks, "objects", "objects-over"):
        yield case(str(world))
        if world.promotes:
            yield case(str(world), extras=LATE)
    for world in _worlds("disk", "objects"):
        if world.promotes and world.placing in ("nowhere", "second", "both"):
            yield case(str(world), extras=END)
    for world in _worlds("s3", "s3-over"):
        if world.promotes and world.is_overlay:
            yield case(str(world), "save", "delete", "read", "wb")
    yield from _with_a_spare()


def _with_a_spare() -> Iterator[Case]:
    for world in _worlds("disk", second="spare"):
        yield case(str(world), "save", "delete", "replace", "read", "wb", "r+b")
        if world.kind == "fallback" and not world.promotes:
            yield case(str(world), "save", "delete", "wb", extras=FULL)


def _worlds(*firsts: str, second: str = "kept") -> Iterator[World]:
    """Yield the worlds that there are: only an overlay hides what was deleted.

    It takes what is below it for read-only, so that it has no spare.
    """
    kinds = ("fallback", "fallback-all", *(["overlay"] if second == "kept" else []))
    booleans = (False, True)
    for kind, first, placing in product(kinds, firsts, PLACINGS):
        if kind == "overlay" or placing != "deleted":
            for promotes, apart in product(booleans, booleans):
                yield World(kind, first, second, placing, promotes, apart)


def cases() -> list[Case]:
    """Return the cases that are to be played now."""
    return list(_all() if PLAYS_ALL else _small())
