"""A fault at every call of every operation, in every small world.

`make test` runs the small worlds, `make soak` all of them. A failure names each kind of fault with
its first run; `python -m tests.faults "<that line>"` makes that run again, call by call.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from .enumeration import Enumeration
from .hangs import virtual_clock
from .operations import OPERATIONS, READ, Operation
from .strikes import FORBIDDEN, FULL, HUNG, KILLED
from .worlds import (
    ADDRESSED,
    DISK,
    FALLBACK,
    IN_PLACE,
    OBJECT,
    OVERLAY,
    OWN_DISK,
    Member,
    setups,
)

#: "all" enumerates every world; `make soak` does.
ALL = os.environ.get("FAULTS") == "all"

MEMBERS = {
    "object": Member(OBJECT),
    "object+": Member(OBJECT, overwrites=True),
    "in place": Member(IN_PLACE),
    "in place+": Member(IN_PLACE, overwrites=True),
    "addressed": Member(ADDRESSED),
    "disk": Member(DISK),
    "disk+": Member(DISK, overwrites=True),
    "own disk": Member(OWN_DISK),
    "own disk+": Member(OWN_DISK, overwrites=True),
}
REMOTE = ("object", "object+", "in place", "in place+")
LOCAL = ("disk", "disk+", "own disk", "own disk+")

#: What the backends of one combined storage are, in order.
SMALL = ["object, object", "in place+, object", "object, in place, object"]
SMALL_ON_DISKS = ["disk, object"]
TWO = [f"{first}, {second}" for first in REMOTE for second in REMOTE]
THREE = [f"{pair}, {last}" for pair in TWO for last in ("object", "in place")]
ON_DISKS = [f"{first}, {second}" for first in LOCAL for second in ("disk", "object")]
ON_DISKS += ["object, disk", "in place+, disk+", "disk, in place, disk"]
RENAMING = ["addressed, object", "object, addressed", "addressed, in place+"]


def members_of(words: str) -> list[Member]:
    return [MEMBERS[word] for word in words.split(", ")]


def chosen(*names: str) -> tuple[Operation, ...]:
    return tuple(OPERATIONS[name] for name in names)


class Check(Protocol):
    """Enumerates, and fails with all that was wrong."""

    def __call__(
        self,
        cls: str,
        members: Sequence[Member],
        enumeration: Enumeration,
        modes: str = "writable",
    ) -> None: ...


@pytest.fixture
def check(record_property: Callable[[str, object], None]) -> Check:
    def check(
        cls: str, members: Sequence[Member], enumeration: Enumeration, modes: str = "writable"
    ) -> None:
        findings = enumeration.over(setups(cls, members, "all" if ALL else modes))
        record_property("runs with a fault", findings.runs)
        record_property("faults found", sum(findings.counts.values()))
        if findings.counts:
            pytest.fail(str(findings), pytrace=False)

    return check


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("words", TWO + THREE if ALL else SMALL)
def test_a_fallback_keeps_its_promises(check: Check, words: str) -> None:
    check(FALLBACK, members_of(words), Enumeration(kinds=kinds_for()), modes_of(words))


@pytest.mark.parametrize("words", TWO + THREE if ALL else SMALL)
def test_an_overlay_keeps_its_promises(check: Check, words: str) -> None:
    check(OVERLAY, members_of(words), Enumeration(kinds=kinds_for()), modes_of(words))


def modes_of(words: str) -> str:
    return "some" if words.count(",") > 1 else "all"


def kinds_for() -> tuple[str, ...]:
    return ("refused", FULL, KILLED) if ALL else ("refused", KILLED)


@pytest.mark.parametrize("cls", [FALLBACK, OVERLAY])
@pytest.mark.parametrize("words", ON_DISKS if ALL else SMALL_ON_DISKS)
def test_each_step_on_a_disk_may_fail(check: Check, cls: str, words: str, tmp_path: Path) -> None:
    kinds = ("broken", FULL, KILLED) if ALL else ("broken", KILLED)
    check(cls, members_of(words), Enumeration(kinds=kinds, directory=tmp_path))


@pytest.mark.parametrize("cls", [FALLBACK, OVERLAY])
@pytest.mark.parametrize("words", RENAMING if ALL else RENAMING[:1])
def test_a_backend_may_rename_what_it_stores(check: Check, cls: str, words: str) -> None:
    kinds = ("refused", KILLED) if ALL else ("refused",)
    check(
        cls,
        members_of(words),
        Enumeration(kinds=kinds, operations=chosen("save", "delete", "open ab")),
    )


@pytest.mark.parametrize("cls", [FALLBACK, OVERLAY])
@pytest.mark.parametrize("words", TWO if ALL else SMALL[1:2])
def test_a_refusal_that_counts_as_absence_lets_a_read_go_on_and_nothing_more(
    check: Check, cls: str, words: str
) -> None:
    members = [replace(member, denied_is_missing=True) for member in members_of(words)]
    check(cls, members, Enumeration(kinds=(FORBIDDEN,)))


@pytest.mark.parametrize("cls", [FALLBACK, OVERLAY])
@pytest.mark.parametrize("words", TWO if ALL else SMALL[1:2])
def test_a_read_ends_though_a_backend_hangs(check: Check, cls: str, words: str) -> None:
    reads = tuple(each for each in OPERATIONS.values() if each.purpose == READ)
    with virtual_clock() as clock:
        check(cls, members_of(words), Enumeration(kinds=(HUNG,), clock=clock, operations=reads))


@pytest.mark.parametrize("cls", [FALLBACK, OVERLAY])
@pytest.mark.parametrize("words", TWO if ALL else SMALL[1:2])
def test_a_recovery_may_fail_as_well(check: Check, cls: str, words: str) -> None:
    writes = tuple(OPERATIONS.values()) if ALL else chosen("save", "delete")
    check(cls, members_of(words), Enumeration(kinds=("refused",), twice=True, operations=writes))
