"""Promotion: what is read is copied up into the first writable backend, once."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from django.core.files.base import File

from fallback_storage.backend.backend import Backend
from fallback_storage.combined import reads
from fallback_storage.combined.copyup import NoRoom, TooLarge, create, fetch
from fallback_storage.combined.members import Members
from fallback_storage.conf import Promotion
from fallback_storage.errors import NameChangedError
from fallback_storage.locks import LockTimeout
from fallback_storage.outcomes import Outcome
from fallback_storage.signals import report_failure

#: How many seconds a reader waits for another call that writes the name, without ``TIMEOUT``.
PATIENCE = 10.0


def open_for_reading(members: Members, name: str, mode: str) -> File[Any]:
    """Open a file for reading; one that the option ``promote`` takes is copied up first."""
    promotion = members.promotion
    if promotion is not None and promotes(members, name):
        target = members.writable[0]
        if _is_missing(target, name):
            timeout = target.guard.timeout if target.guard is not None else None
            # Who gets no turn in time reads the file where it lies.
            with suppress(LockTimeout), members.locked(name, timeout or PATIENCE):
                if _is_missing(target, name):
                    return _open_promoted(members, target, promotion, name, mode)
    return reads.open_with_backend(members, name, mode)[1]


def promotes(members: Members, name: str) -> bool:
    """Return whether a read of ``name`` copies it up."""
    promotion = members.promotion
    return promotion is not None and bool(members.writable) and promotion.includes(name)


def promote(members: Members, name: str) -> None:
    """Copy a file up as a read would; a name that nobody has, or a directory's, is left."""
    if members.promotion is None:
        return
    with suppress(FileNotFoundError):  # Nothing to promote, or a directory.
        open_for_reading(members, name, "rb").close()


def _is_missing(target: Backend, name: str) -> bool:
    try:
        return not target.exists(name)
    except Exception:  # The read that follows says so.
        return False


def _open_promoted(
    members: Members, target: Backend, promotion: Promotion, name: str, mode: str
) -> File[Any]:
    """Open a file that ``target`` lacks, promoted if that can be done."""
    source, file, attempts = reads.open_with_backend(members, name, "rb")
    known = attempts is None or attempts.is_known
    if members.backends.index(source) > members.backends.index(target) and known:
        if _promoted(members, source, target, file, name, promotion.max_size):
            return reads.open_with_backend(members, name, mode)[1]
    elif mode == "rb":
        return file
    file.close()
    return source.open(name, mode)


def _promoted(
    members: Members,
    source: Backend,
    target: Backend,
    file: File[Any],
    name: str,
    max_size: int | None,
) -> bool:
    """Copy a file up; return ``False`` where it is to be read, or must be, where it lies.

    Whoever reads waits for the copy until the deadline. It goes on by itself then, and keeps the
    name for as long.
    """
    try:
        content = fetch(members, source, file, name, max_size)
    except TooLarge:
        return False
    except NoRoom as error:
        _report(members, target, name, error.error)
        return False
    begun: list[bool] = []

    def write() -> None:
        begun.append(True)
        with content, members.locked(name):
            create(target, name, content, partial(_is_deleted, members, source, name))
            members.changed(name)

    try:
        target.within_deadline(write)
    except Exception as error:
        _report(members, target, name, error)
        # A storage may have avoided the name since another process was faster.
        return isinstance(error, NameChangedError)
    finally:
        if not begun:
            content.close()
    return True


def _is_deleted(members: Members, source: Backend, name: str) -> bool:
    """Return whether the file was deleted while it was fetched; from the last backend first."""
    if members.delete != "all":
        return members.hides(name)
    try:
        return not source.exists(name)
    except Exception:  # Not known: nothing is brought back on a guess.
        return True


def _report(members: Members, target: Backend, name: str, error: Exception) -> None:
    """Tell that a target could not be written, which does not keep anybody from reading."""
    outcome = target.outcome_of(error, writing=True)
    if outcome is Outcome.REJECTED:
        raise error
    report_failure(members.owner, target.name, "promote", name, outcome, error)
