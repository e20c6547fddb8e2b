"""Files opened for writing: where they lie, or new in the first backend that can."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Any, NoReturn

from django.core.files.base import File

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.attempts import Attempts, served
from fallback_storage.combined.members import Members
from fallback_storage.combined.writes import writable
from fallback_storage.errors import ReadOnlyStorageError


def open_for_writing(members: Members, name: str, mode: str) -> File[Any]:
    """Open a file for writing.

    No backend that holds the name, or may hold it, is passed over: its file would hide what is
    written. Raises ``ReadOnlyStorageError`` where it lies in a read-only backend, and
    ``StorageUnavailable`` where that is not known.
    """
    try:
        return _open(members, name, mode)
    except _Overtaken:
        return _open(members, name, mode, is_last=True)


class _Overtaken(Exception):
    """The file that was there a moment before is gone: another process deleted it."""


def _open(members: Members, name: str, mode: str, *, is_last: bool = False) -> File[Any]:
    attempts = Attempts(members, "open", name, writing=True)
    holder = None if "w" in mode else _holder(members, attempts, mode)
    if holder is None:
        new = writable(members, "open", name)
        return _open_first(members, attempts, members.backends if "w" in mode else new, mode)
    if holder.read_only:
        _refuse(holder, attempts, mode)
    try:
        file = holder.open_for_writing(name, mode, True)
    except Exception as error:
        if holder.says_missing(error):
            if not is_last:
                raise _Overtaken from error
            if holder.lacks(name) is True:
                raise _missing(name) from error
        attempts.failed(holder, error)
        attempts.nobody()
    served(members, attempts, "open", name, holder)
    return file


def _open_first(
    members: Members, attempts: Attempts, candidates: Sequence[Backend], mode: str
) -> File[Any]:
    name = attempts.name
    for backend in candidates:
        if not backend.read_only:
            try:
                file = backend.open_for_writing(name, mode)
            except Exception as error:
                if "x" in mode and isinstance(error, FileExistsError):
                    raise _exists(name) from error
                attempts.failed(backend, error)
                if backend.lacks(name) is not True:
                    attempts.nobody()  # Its file would hide what is written elsewhere.
            else:
                served(members, attempts, "open", name, backend)
                return file
        elif _holds(backend, attempts):
            _refuse(backend, attempts, mode)
    attempts.nobody()


def _missing(name: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


def _exists(name: str) -> FileExistsError:
    return FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)


def _holder(members: Members, attempts: Attempts, mode: str) -> Backend | None:
    """Return the backend that holds the name; raise where ``mode`` wants it otherwise."""
    name = attempts.name
    holder = next((each for each in members.backends if _holds(each, attempts)), None)
    if holder is not None and "x" in mode:
        raise _exists(name)
    if holder is None and "r" in mode:
        raise _missing(name)
    return holder


def _holds(backend: Backend, attempts: Attempts) -> bool:
    """Return whether a backend holds the name; raise where that is not known."""
    try:
        return bool(backend.exists(attempts.name))
    except Exception as error:
        if backend.says_missing(error):
            return False
        attempts.failed(backend, error)
        attempts.nobody()


def _refuse(backend: Backend, attempts: Attempts, mode: str) -> NoReturn:
    if attempts.errors:
        attempts.nobody()  # A backend before it could have been written, but for this.
    raise ReadOnlyStorageError(
        f"open({attempts.name!r}, {mode!r}): the file lies in {backend.name}, which is read-only."
    )
