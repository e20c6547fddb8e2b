"""Copying a file up into the backend that is written: once, whole, and undoing nothing.

Copy-up is for a change; promotion is the same for a read.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO, NoReturn, cast

from django.core.files.base import File

from fallback_storage.backend.adapters.base import SkipIf
from fallback_storage.backend.backend import Backend
from fallback_storage.backend.content import SPOOL_SIZE
from fallback_storage.backend.copied import Copied, facts_told
from fallback_storage.combined import reads
from fallback_storage.combined.attempts import Attempts
from fallback_storage.combined.members import Members
from fallback_storage.combined.writes import warn_of_part
from fallback_storage.errors import NameChangedError, StorageUnavailable


class TooLarge(Exception):
    """A file is larger than what is to be copied."""


class NoRoom(Exception):
    """What was fetched could not be kept, by no fault of where it came from."""

    def __init__(self, error: OSError) -> None:
        self.error = error
        super().__init__()


def copy_up(members: Members, name: str, max_size: int | None = None) -> None:
    """Copy a file up so that it can be changed, unless it is there or deleted by then.

    Raises ``FileNotFoundError`` if it is nowhere, ``TooLarge``, ``StorageUnavailable`` where a
    backend failed or may hold a newer one. The caller holds the name.
    """
    target = members.writable[0]
    attempts = Attempts(members, "open", name)
    try:
        source, file, _ = reads.open_with_backend(members, name, "rb", attempts)
    except FileNotFoundError:
        _refuse_guess(attempts)
        raise
    if source is target:
        file.close()
        return
    try:
        _refuse_guess(attempts)
    except StorageUnavailable:
        file.close()
        raise
    try:
        with fetch(members, source, file, name, max_size) as content:
            try:
                create(target, name, content, partial(members.hides, name))
            except Exception as error:
                _raise(members, target, name, error)
    except NoRoom as error:
        _raise(members, target, name, error.error)


def _refuse_guess(attempts: Attempts) -> None:
    """Raise where a backend failed that may hold the file, or a newer one."""
    if not attempts.is_known:
        raise StorageUnavailable(
            operation="open", name=attempts.name, failures=attempts.errors | attempts.guesses
        )


def create(target: Backend, name: str, content: File[Any], skip_if: SkipIf) -> None:
    """Store a copy under its name and no other, unless that is taken or ``skip_if``."""
    try:
        stored = target.create(name, content, skip_if)
    except Exception:
        warn_of_part(target, "copy", name)
        raise
    if stored not in (None, name):
        raise NameChangedError(
            f"{target.name} stored {name!r} as {stored!r}: nothing was deleted."
        )


def fetch(
    members: Members,
    source: Backend,
    file: File[Any],
    name: str,
    max_size: int | None = None,
) -> File[Any]:
    """Return what a file holds, whole, before anything is written; a fault of ``source`` names it.

    Raises ``TooLarge`` for a file of more than ``max_size`` bytes, and ``NoRoom``.
    """
    spool = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=SPOOL_SIZE))
    try:
        with file:
            facts = facts_told(source.adapter.facts, file)
            for chunk in _chunks(members, source, file, name, max_size):
                try:
                    spool.write(chunk)
                except OSError as error:
                    raise NoRoom(error) from error
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    return Copied(spool, name, facts)


def _chunks(
    members: Members, source: Backend, file: File[Any], name: str, max_size: int | None
) -> Iterator[bytes]:
    limit = math.inf if max_size is None else max_size
    if max_size is not None and _known_size(file) > max_size:
        raise TooLarge
    try:
        for chunk in file.chunks():
            limit -= len(chunk)
            if limit < 0:
                raise TooLarge
            yield chunk
    except TooLarge:
        raise
    except Exception as error:
        # As on a write nothing is missing: the file was there a moment ago.
        _raise(members, source, name, error)


def _known_size(file: File[Any]) -> int:
    try:
        return file.size
    except Exception:  # What is not known is counted while it is read.
        return 0


def _raise(members: Members, backend: Backend, name: str, error: Exception) -> NoReturn:
    attempts = Attempts(members, "open", name, writing=True)
    attempts.failed(backend, error)
    attempts.nobody()
