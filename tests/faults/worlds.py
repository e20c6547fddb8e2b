"""Every small world: which backends, how they are set up, and where one name lies.

The model of what a combined storage serves stands here too. Nothing of it comes from the engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from .memory import Files

DIRECTORY, BASE = "d", "a.txt"
NAME = f"{DIRECTORY}/{BASE}"
WHITEOUT = f"{DIRECTORY}/.wh.{BASE}"
FALLBACK, OVERLAY = "FallbackStorage", "OverlayStorage"
OBJECT, IN_PLACE, ADDRESSED = "object", "inplace", "addressed"
DISK, OWN_DISK = "disk", "owndisk"
LOCAL = (DISK, OWN_DISK)

#: What is saved. Shorter than every version, so that a mixture of two shows.
NEW = b"NEW-CONTENT"
#: What lies in each backend under the one name.
VERSIONS = (
    b"the version of backend 0",
    b"the version of backend 1!",
    b"the version of backend 2?!",
)

#: Where a backend that names files by their content stores it.
ADDRESS = f"{DIRECTORY}/{hashlib.sha256(NEW).hexdigest()[:8]}.txt"

State = tuple[Files, ...]
#: The numbers of backends that fail.
Ill = frozenset[int]


@dataclass(frozen=True)
class Member:
    """One backend as it is set up."""

    kind: str
    overwrites: bool = False
    read_only: bool = False
    denied_is_missing: bool = False

    def __str__(self) -> str:
        flags = ("+" if self.overwrites else "") + ("(ro)" if self.read_only else "")
        return f"{self.kind}{flags}{'(dim)' if self.denied_is_missing else ''}"

    @property
    def writes_in_place(self) -> bool:
        """Whether a save that breaks off leaves half a file."""
        return self.kind in (IN_PLACE, OWN_DISK)


@dataclass(frozen=True)
class Setup:
    """A combined storage as it is configured."""

    cls: str
    members: tuple[Member, ...]
    on_fault: Any = "failover"
    delete: Any = "first"
    promote: bool = False

    def __str__(self) -> str:
        members = ", ".join(map(str, self.members))
        words = [] if self.is_overlay else [self.on_fault, f"delete={self.delete}"]
        words += ["promote"] if self.promote else []
        return f"{self.cls}[{members}] {' '.join(words)}".rstrip()

    @property
    def is_overlay(self) -> bool:
        return self.cls == OVERLAY

    @property
    def fails_over(self) -> bool:
        """Whether a read goes on to the next backend after a fault."""
        return not self.is_overlay and self.on_fault != "raise"

    @property
    def writable(self) -> list[int]:
        """The backends that may be written, in order."""
        allowed = self.members[:1] if self.is_overlay else self.members
        return [number for number, member in enumerate(allowed) if not member.read_only]


@dataclass(frozen=True)
class World:
    """A setup, and where the name lies."""

    setup: Setup
    holds: tuple[bool, ...]
    whiteout: bool = False
    #: Whether what is saved lies in each backend already, under the name of its content.
    known: bool = False

    def __str__(self) -> str:
        placing = "".join("v" if holds else "-" for holds in self.holds)
        return f"{self.setup} holding {placing}{' whiteout' if self.whiteout else ''}" + (
            " known" if self.known else ""
        )

    def state(self) -> State:
        """Return what each backend holds: the name where it does, and a file of its own."""
        state = []
        for number, holds in enumerate(self.holds):
            files = {f"own{number}.txt": b"of backend %d alone" % number}
            if holds:
                files[NAME] = VERSIONS[number]
            if self.whiteout and number == 0:
                files[WHITEOUT] = b""
            if self.known:
                files[ADDRESS] = NEW
            state.append(files)
        return tuple(state)


def worlds(setup: Setup) -> Iterator[World]:
    """Yield every placing of the name in the backends of a setup."""
    addressed = any(member.kind == ADDRESSED for member in setup.members)
    for holds in product((False, True), repeat=len(setup.members)):
        for whiteout in (False, True) if setup.is_overlay else (False,):
            for known in (False, True) if addressed else (False,):
                yield World(setup, holds, whiteout, known)


def setups(cls: str, members: Sequence[Member], modes: str = "all") -> Iterator[Setup]:
    """Yield the setups of these backends, each writable or not; the options are the default.

    `modes`: "all" of them, "writable" for the one that may write everywhere, or "some" for that
    one and the one that may not write to its first backend.
    """
    # The lower backends of an overlay are never written, whatever is said of them.
    changeable = 1 if cls == OVERLAY else len(members)
    for read_only in product((False, True), repeat=changeable):
        if modes == "writable" and any(read_only):
            continue
        if modes == "some" and any(read_only[1:]):
            continue
        rest = (False,) * (len(members) - changeable)
        chosen = zip(members, read_only + rest, strict=True)
        yield Setup(cls, tuple(replace(member, read_only=mode) for member, mode in chosen))


# The model: what a healthy combined storage serves.


def holder(setup: Setup, state: State, name: str, without: Ill = frozenset()) -> int | None:
    """Return the number of the backend that serves a name; `without`: as if those were not."""
    if is_temporary(name):
        return None
    for number, files in enumerate(state):
        if setup.is_overlay and number == 1 and whiteout_of(name) in state[0]:
            return None
        if name in files and number not in without:
            return number
    return None


def served(setup: Setup, state: State, name: str, without: Ill = frozenset()) -> bytes | None:
    """Return the content under a name, `None` if there is none."""
    number = holder(setup, state, name, without)
    return None if number is None else state[number][name]


def listing(setup: Setup, state: State, without: Ill = frozenset()) -> set[str]:
    """Return the full names of all files."""
    names = {name for files in state for name in files}
    if setup.is_overlay:
        names = {name for name in names if not is_reserved(name)}
    return {name for name in names if holder(setup, state, name, without) is not None}


def whiteout_of(name: str) -> str:
    directory, slash, base = name.rpartition("/")
    return f"{directory}{slash}.wh.{base}"


def is_reserved(name: str) -> bool:
    return name.rpartition("/")[2].startswith(".wh.")


def is_temporary(name: str) -> bool:
    return name.rpartition("/")[2].startswith(".wh..wh.")
