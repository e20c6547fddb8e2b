"""The rules for what is raised."""

from __future__ import annotations

from collections.abc import Callable

from fallback_storage.errors import NameChangedError, ReadOnlyStorageError, StorageUnavailable

from .facts import ENDED, RAISED, WAITS, Complaints, Run
from .operations import DELETING, READ, WRITE
from .strikes import ERRORS, HUNG, KILLED
from .worlds import ADDRESSED, LOCAL, NAME, holder, served


def the_process_ends(run: Run) -> Complaints:
    """Outcomes: ``BaseException`` is never caught."""
    killed = run.strike is not None and run.strike.kind == KILLED and run.failed
    if killed and run.outcome.kind != ENDED:
        yield "what ends the process was caught"


def nobody_waits_for_ever(run: Run) -> Complaints:
    """9: with ``TIMEOUT`` no read waits longer than its deadline."""
    if run.outcome.kind == WAITS:
        yield "a read waits without a deadline"


def errors_are_honest(run: Run) -> Complaints:
    """1: absence is not outage; 2: ``ReadOnlyStorageError`` only where nothing may be written.

    Without a fault nothing fails but what cannot be done.
    """
    error = run.outcome.error
    if run.outcome.kind != RAISED or error is None:
        return
    for kind, is_true, complaint in _CLAIMS:
        if isinstance(error, kind) and not isinstance(error, StorageUnavailable):
            if not is_true(run):
                yield complaint
            return
    if not run.failed:
        if not _may_fail_anyway(run):
            yield f"it raised {type(error).__name__} without a fault"
    elif not _is_the_fault(run, error):
        yield f"it raised {type(error).__name__}"


def _is_missing(run: Run) -> bool:
    """A refusal counts as absence for a read, and by its owner's word."""
    seen = served(run.setup, run.before, NAME, run.inferred_missing)
    is_read = run.operation.purpose == READ or (run.operation.reads_first and not run.handed_out)
    return run.old is None or (is_read and seen is None)


def _is_there(run: Run) -> bool:
    """Elsewhere it is said of a directory that could not be looked at."""
    return run.old is not None if run.operation.name == "open xb" else run.failed_at("stat")


def _is_refused(run: Run) -> bool:
    read_only = [n for n in range(len(run.before)) if n not in run.setup.writable]
    if not run.setup.writable:
        return run.operation.purpose != READ
    if run.setup.is_overlay or run.operation.purpose not in (WRITE, DELETING):
        return False
    return any(NAME in run.before[number] for number in read_only)


def _has_no_path(run: Run) -> bool:
    members = run.setup.members
    if run.operation.name != "path":
        return False
    if run.setup.is_overlay:
        held = holder(run.setup, run.before, NAME)
        comes = held is not None and (members[held].kind in LOCAL or run.setup.promote)
        below = any(each.kind not in LOCAL for each in members[1:]) and not comes
        no_copy = not run.setup.writable or bool(run.failed)
        return members[0].kind not in LOCAL or below or no_copy
    return not run.setup.writable or any(member.kind not in LOCAL for member in members)


def _renames(run: Run) -> bool:
    return any(member.kind == ADDRESSED for member in run.setup.members)


#: What an error claims, whether that is true, and what is wrong if it is not.
_CLAIMS: tuple[tuple[type[Exception], Callable[[Run], bool], str], ...] = (
    (FileNotFoundError, _is_missing, "the file is said to be missing"),
    (FileExistsError, _is_there, "the file is said to exist"),
    (ReadOnlyStorageError, _is_refused, "the storage is said to be read-only"),
    (NotImplementedError, _has_no_path, "the operation is said to be unsupported"),
    (NameChangedError, _renames, "a name is said to be changed"),
)


def _may_fail_anyway(run: Run) -> bool:
    """Whether an operation cannot be done, though all backends are in good health."""
    if run.operation.purpose == DELETING and run.old is None:
        return True
    # A whiteout, or a copy that is to be changed, needs its exact name.
    needs_its_name = run.operation.purpose in (DELETING, WRITE)
    return needs_its_name and run.setup.is_overlay and run.setup.members[0].kind == ADDRESSED


def _is_the_fault(run: Run, error: Exception) -> bool:
    if isinstance(error, StorageUnavailable):
        return True
    if run.strike is None or run.strike.kind == KILLED:
        return False
    if run.strike.kind == HUNG and isinstance(error, TimeoutError):
        return True
    staged = ERRORS[run.strike.kind]()
    if isinstance(staged, OSError):
        return isinstance(error, OSError) and error.errno == staged.errno
    return type(error) is type(staged)
