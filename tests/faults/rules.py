"""What must be so after every run. Each rule stands for an invariant of DESIGN.md.

A rule is a pure function of what happened. It yields what is wrong, in words that name a kind of
fault and no contents, so that equal faults can be counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from .answers import answers_are_true
from .errors import errors_are_honest, nobody_waits_for_ever, the_process_ends
from .facts import Complaints, Run
from .operations import DELETING, READ, SAVE
from .worlds import (
    ADDRESSED,
    NAME,
    NEW,
    VERSIONS,
    WHITEOUT,
    State,
    is_temporary,
    served,
)


def what_was_acknowledged_is_kept(run: Run) -> Complaints:
    """4: content is written whole; 5: under the name that was returned; 8: deleted is deleted."""
    if not run.is_acknowledged:
        return
    match run.operation.purpose:
        case "save":
            yield from _saved(run)
        case "write" if run.now != run.asked_for and not run.hides_the_file_by_a_part:
            yield "an acknowledged change is not what is served"
        case "delete":
            yield from _deleted(run)


def _saved(run: Run) -> Complaints:
    stored = str(run.outcome.value)
    if served(run.setup, run.after, stored) != NEW:
        yield "an acknowledged save is not what is served"
    # The same content under its own address is one file.
    taken = served(run.setup, run.before, stored) not in (None, NEW)
    if taken and not (stored == NAME and run.overwriter is not None):
        yield "a save took a name that was taken"


def _deleted(run: Run) -> Complaints:
    if run.deletes_all:
        if run.now is not None:
            yield "a deleted file is served"
    # In good health the first backend's word is enough, as the original has it.
    elif _copies(run.before) == _copies(run.after) and any(
        NAME in run.after[number] for number in run.ill
    ):
        yield "a delete was acknowledged, and deleted nothing"


def _copies(state: State) -> list[bool]:
    return [NAME in files for files in state]


def the_name_holds_what_it_may(run: Run) -> Complaints:
    """4: never half a file; 7: nothing older is served, nothing newer undone; nothing is lost."""
    if run.now in _may_be_served(run) or run.half_is_the_backends_own:
        return
    if run.now is None:
        yield "a file is gone"
    elif run.now in VERSIONS:
        yield "a file is served that was deleted" if run.old is None else "an older file is served"
    else:
        yield "half a file is served"


def _may_be_served(run: Run) -> set[bytes | None]:
    match run.operation.purpose:
        case "save":
            return _may_be_served_after_save(run)
        case "write":
            return {run.asked_for} if run.is_acknowledged else {run.old, run.asked_for}
        case "delete" if run.deletes_all:
            return {None} if run.is_acknowledged else {run.old, None}
        case "delete":
            return {run.old, None, *(files.get(NAME) for files in run.before)}
    return {run.old}


def _may_be_served_after_save(run: Run) -> set[bytes | None]:
    if run.old is None:
        return {None, NEW}
    if run.overwriter is None:
        return {run.old}
    # Stored elsewhere, the new copy replaces the older one, which may be deleted then.
    elsewhere = run.is_acknowledged and run.outcome.value != NAME
    return {run.old, NEW, None} if elsewhere else {run.old, NEW}


def what_is_below_is_unchanged(run: Run) -> Complaints:
    """2: a read-only backend receives no mutating call; 8: nothing below ever changes."""
    protected = [n for n in range(len(run.before)) if n not in run.setup.writable]
    if any(run.after[number] != run.before[number] for number in protected):
        yield "a read-only or lower backend was changed"
    elif any(call.mutates and call.backend in protected for call in run.calls):
        yield "a read-only or lower backend was asked to change"


def nothing_else_changes(run: Run) -> Complaints:
    """4: no name is deleted that this call did not create; 8: a whiteout stays."""
    for number in run.setup.writable:
        before, after = run.before[number], run.after[number]
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                yield from _changed(run, number, name)


def _changed(run: Run, number: int, name: str) -> Complaints:
    """Judge a change in a backend that may be written."""
    existed = name in run.before[number]
    if is_temporary(name):
        if not run.is_beyond_help and not run.failed_at("unlink", "remove"):
            yield "a temporary file is left"
    elif name == WHITEOUT:
        if existed or not run.setup.is_overlay or run.operation.purpose != DELETING:
            yield "a whiteout was changed"
    elif name == NAME:
        yield from _changed_the_name(run, number)
    elif existed:
        yield "another file was changed"
    else:
        yield from _created(run, number, name)


def _created(run: Run, number: int, name: str) -> Complaints:
    if run.operation.purpose == SAVE:
        if run.after[number][name] != NEW and not run.half_is_the_backends_own:
            yield "half a file is left"
    # What a backend renames is never deleted: that name may have been there before.
    elif run.setup.members[number].kind != ADDRESSED:
        yield "a file of another name is left"


def _changed_the_name(run: Run, number: int) -> Complaints:
    """Judge a change of one copy: also one that is hidden must not be harmed."""
    old, new = run.before[number].get(NAME), run.after[number].get(NAME)
    if run.operation.purpose == DELETING:
        if new is not None:
            yield "a delete wrote a file"
    elif run.half_is_the_backends_own:
        return
    elif new is None:
        if run.operation.purpose != SAVE or number != run.overwriter:
            yield "a copy was deleted"
    else:
        yield from _wrote_the_name(run, number, old, new)


def _wrote_the_name(run: Run, number: int, old: bytes | None, new: bytes) -> Complaints:
    purpose = run.operation.purpose
    if purpose == READ and (old is not None or new != run.old):
        yield "a promotion wrote something else"
    elif purpose != READ and new not in ({NEW} if purpose == SAVE else {run.asked_for, run.old}):
        yield "half a file is left"
    elif purpose == SAVE and old is not None and not _may_replace(run, number):
        yield "a save wrote over a copy"


def _may_replace(run: Run, number: int) -> bool:
    """Whether a save was asked to replace a copy, by the wish of two owners at most."""
    return run.overwriter is not None and run.setup.members[number].overwrites


RULES = (
    the_process_ends,
    nobody_waits_for_ever,
    errors_are_honest,
    answers_are_true,
    what_was_acknowledged_is_kept,
    the_name_holds_what_it_may,
    what_is_below_is_unchanged,
    nothing_else_changes,
)


def complaints(run: Run) -> Iterator[str]:
    """Yield all that is wrong with a run."""
    for rule in RULES:
        yield from rule(run)
