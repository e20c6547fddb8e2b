"""The judge itself: each rule finds what it stands for, and nothing in a run that is right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fallback_storage.errors import (
    ReadOnlyStorageError,
    StorageUnavailable,
    UnsupportedOperation,
)

from .facts import ANSWERED, ENDED, RAISED, WAITS, Outcome, Run
from .operations import OPERATIONS
from .rules import complaints
from .strikes import AFTER, BEFORE, HUNG, KILLED, MIDDLE, Call, Strike
from .worlds import (
    FALLBACK,
    IN_PLACE,
    NAME,
    NEW,
    OBJECT,
    OVERLAY,
    VERSIONS,
    WHITEOUT,
    Member,
    Setup,
    World,
)

OLD, OLDER = VERSIONS[:2]
BOTH = (True, True)
REFUSED = Strike(1, BEFORE, "refused")


def setup(cls: str = FALLBACK, *members: Member, **options: Any) -> Setup:
    return Setup(cls, members or (Member(OBJECT), Member(OBJECT)), **options)


def run(
    operation: str,
    outcome: Outcome,
    *changes: tuple[int, str, bytes | None],
    setup: Setup = setup(),  # noqa: B008 - frozen
    holds: tuple[bool, ...] = BOTH,
    strike: Strike | None = None,
    struck: Call | None = None,
    **facts: Any,
) -> Run:
    """Return the run that came to this, and changed a name in a backend to a content."""
    world = World(setup, holds)
    after = world.state()
    for number, name, content in changes:
        if content is None:
            after[number].pop(name)
        else:
            after[number][name] = content
    calls = () if struck is None else (struck,)
    return Run(
        world,
        OPERATIONS[operation],
        strike,
        world.state(),
        after,
        outcome,
        calls=calls,
        failed=calls,
        **facts,
    )


def answered(value: object = None) -> Outcome:
    return Outcome(ANSWERED, value)


def raised(error: Exception) -> Outcome:
    return Outcome(RAISED, error=error)


def call(backend: int, operation: str, *, mutates: bool = True) -> Call:
    return Call(backend, operation, mutates, divisible=mutates)


EXISTS, SAVED = call(0, "exists", mutates=False), call(0, "save")
READ_ONLY = setup(FALLBACK, Member(OBJECT), Member(OBJECT, read_only=True))
OVERWRITING = setup(FALLBACK, Member(IN_PLACE, overwrites=True), Member(OBJECT))
RAISING = setup(on_fault="raise")
ALL = setup(delete="all")
LAYERS = setup(OVERLAY)

WRONG = {
    "what ends the process was caught": run(
        "delete", answered(), strike=Strike(1, BEFORE, KILLED), struck=call(0, "delete")
    ),
    "a read waits without a deadline": run(
        "exists", Outcome(WAITS), strike=Strike(1, BEFORE, HUNG), struck=EXISTS
    ),
    "the file is said to be missing": run("open", raised(FileNotFoundError())),
    "the file is said to exist": run("open xb", raised(FileExistsError()), holds=(False, False)),
    "the storage is said to be read-only": run("open wb", raised(ReadOnlyStorageError())),
    "the operation is said to be unsupported": run("size", raised(UnsupportedOperation())),
    "it raised StorageUnavailable without a fault": run("size", raised(StorageUnavailable())),
    "it raised ValueError": run("open", raised(ValueError()), strike=REFUSED, struck=EXISTS),
    "a wrong answer to exists": run("exists", answered(False), strike=REFUSED, struck=EXISTS),
    "a wrong answer to listdir": run("listdir", answered(set())),
    "a wrong answer to size": run("size", answered(len(OLDER))),
    "a wrong answer to url": run("url", answered(f"https://1.example/{NAME}")),
    "a file that was opened to be read was written": run("open, write to it", answered(True)),
    "half a file was read": run("open", answered(OLD[:5])),
    "another version was read": run(
        "open", answered(OLDER), setup=RAISING, strike=REFUSED, struck=EXISTS
    ),
    "an acknowledged save is not what is served": run("save", answered("d/b.txt")),
    "a save took a name that was taken": run("save", answered(NAME), (0, NAME, NEW)),
    "an acknowledged change is not what is served": run(
        "open ab", answered(), (1, NAME, OLDER + NEW)
    ),
    "a deleted file is served": run("delete", answered(), (0, NAME, None), setup=ALL),
    "a delete was acknowledged, and deleted nothing": run(
        "delete", answered(), strike=REFUSED, struck=call(0, "delete")
    ),
    "a file is gone": run("open", answered(OLD), (0, NAME, None), (1, NAME, None)),
    "an older file is served": run("open", answered(OLD), (0, NAME, None)),
    "a file is served that was deleted": run(
        "open", raised(FileNotFoundError()), (0, NAME, OLD), holds=(False, False)
    ),
    "half a file is served": run("open", answered(OLD), (0, NAME, OLD[:5])),
    "a read-only or lower backend was changed": run(
        "open", answered(OLD), (1, NAME, NEW), setup=READ_ONLY
    ),
    "a read-only or lower backend was asked to change": run(
        "open", answered(OLD), setup=LAYERS, strike=REFUSED, struck=call(1, "delete")
    ),
    "a temporary file is left": run("save", answered("d/b.txt"), (0, "d/.wh..wh.x", NEW)),
    "a whiteout was changed": run("open", answered(OLD), (0, WHITEOUT, b""), setup=LAYERS),
    "another file was changed": run("open", answered(OLD), (0, "own0.txt", None)),
    "a file of another name is left": run("open", answered(OLD), (0, "d/x.txt", b"")),
    "half a file is left": run("save", raised(StorageUnavailable()), (0, "d/x.txt", NEW[:3])),
    "a copy was deleted": run("open", answered(OLD), (1, NAME, None)),
    "a delete wrote a file": run("delete", answered(), (0, NAME, NEW)),
    "a promotion wrote something else": run("open", answered(OLD), (1, NAME, NEW)),
    "a save wrote over a copy": run("save", answered("d/b.txt"), (1, NAME, NEW)),
}


@pytest.mark.parametrize("complaint", WRONG)
def test_a_rule_finds_what_it_stands_for(complaint: str) -> None:
    assert complaint in [*complaints(WRONG[complaint])]


AS_STORED = (0, "d/b.txt", NEW)
RIGHT = {
    "a read": run("open", answered(OLD)),
    "a read that failed over": run("open", answered(OLDER), strike=REFUSED, struck=EXISTS),
    "a read that failed": run(
        "open", raised(StorageUnavailable()), setup=RAISING, strike=REFUSED, struck=EXISTS
    ),
    "what is skipped on request": run(
        "exists",
        answered(False),
        setup=setup(on_fault="skip"),
        holds=(True, False),
        strike=REFUSED,
        struck=EXISTS,
    ),
    "a read that hangs": run(
        "size", raised(TimeoutError()), strike=Strike(1, BEFORE, HUNG), struck=EXISTS
    ),
    "a process that is killed": run(
        "save", Outcome(ENDED), strike=Strike(1, AFTER, KILLED), struck=SAVED
    ),
    "a save": run("save", answered("d/b.txt"), AS_STORED),
    "a save that overwrites": run(
        "save", answered(NAME), (0, NAME, NEW), setup=OVERWRITING, holds=(True, False)
    ),
    "a save that failed over": run(
        "save", answered("d/b.txt"), (1, "d/b.txt", NEW), strike=REFUSED, struck=SAVED
    ),
    "a file of its own that the bare storage damages as well": run(
        "save",
        raised(StorageUnavailable()),
        (0, NAME, NEW[:3]),
        setup=OVERWRITING,
        strike=Strike(1, MIDDLE, "refused"),
        struck=SAVED,
    ),
    "a write": run("open ab", answered(), (0, NAME, OLD + NEW)),
    "a write that was refused": run(
        "open wb",
        raised(ReadOnlyStorageError()),
        setup=setup(FALLBACK, Member(OBJECT, read_only=True), Member(OBJECT)),
    ),
    "a delete": run("delete", answered(), (0, NAME, None)),
    "a delete of all": run("delete", answered(), (0, NAME, None), (1, NAME, None), setup=ALL),
    "a delete in an overlay": run(
        "delete", answered(), (0, NAME, None), (0, WHITEOUT, b""), setup=LAYERS
    ),
    "a promotion": run(
        "open", answered(OLDER), (0, NAME, OLDER), setup=LAYERS, holds=(False, True)
    ),
}


@pytest.mark.parametrize("what", RIGHT)
def test_a_run_that_is_right_is_not_complained_of(what: str) -> None:
    assert [*complaints(RIGHT[what])] == []


def test_half_a_file_is_the_backends_own_only_if_that_save_was_not_acknowledged() -> None:
    damaged = RIGHT["a file of its own that the bare storage damages as well"]
    saved = replace(damaged, outcome=answered("d/b.txt"))
    assert "half a file is served" not in [*complaints(saved)]  # It hides an older one.
    alone = replace(saved, before=(saved.before[0], {}))
    assert "half a file is served" in [*complaints(alone)]


def test_half_a_file_is_not_the_backends_own_if_it_writes_whole() -> None:
    whole = setup(FALLBACK, Member(OBJECT, overwrites=True), Member(OBJECT))
    damaged = RIGHT["a file of its own that the bare storage damages as well"]
    damaged = replace(damaged, world=replace(damaged.world, setup=whole))
    assert "half a file is served" in [*complaints(damaged)]


def test_a_part_that_a_promotion_left_is_excused_only_if_its_undoing_failed_as_well() -> None:
    promoting = setup(OVERLAY, Member(IN_PLACE), Member(OBJECT), promote=True)
    part = run(
        "open",
        answered(OLDER[:5]),
        (0, NAME, OLDER[:5]),
        setup=promoting,
        holds=(False, True),
        strike=Strike(1, MIDDLE, "refused", again=2),
        struck=SAVED,
    )
    assert [*complaints(part)] == []
    undone = replace(part, strike=Strike(1, MIDDLE, "refused"))
    assert "half a file was read" in [*complaints(undone)]
