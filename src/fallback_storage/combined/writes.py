"""Writes: whole or not at all, under one name, in a backend that may be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Any

from django.core.files.base import File

from fallback_storage.backend.backend import Backend
from fallback_storage.backend.content import Content
from fallback_storage.combined.attempts import Attempts, served
from fallback_storage.combined.members import Members
from fallback_storage.combined.reads import holder
from fallback_storage.errors import ReadOnlyStorageError
from fallback_storage.names import alternative_name
from fallback_storage.signals import logger


def save(members: Members, name: str, content: Any) -> str:
    """Store ``content`` in the first writable backend that succeeds; return the name it has.

    The name is another than ``name`` where a backend that failed may still hold something there,
    which would hide the file.
    """
    backends = writable(members, "save", name)
    with Content(content) as whole:
        return _Save(members, name, whole).into_first(backends)


def writable(members: Members, operation: str, name: str) -> Sequence[Backend]:
    """Return the backends that may be written; raise ``ReadOnlyStorageError`` if none may."""
    if not members.writable:
        raise ReadOnlyStorageError(
            f"{operation}({name!r}): every backend of {members.owner!r} is READ_ONLY."
        )
    return members.writable


class _Save:
    """One file on its way into one backend, others failing before it."""

    def __init__(self, members: Members, name: str, content: Content) -> None:
        self.name = name
        self._members = members
        self._content = content
        self._attempts = Attempts(members, "save", name, writing=True)
        self._holding_older: list[Backend] = []

    def into_first(self, backends: Sequence[Backend]) -> str:
        for backend in backends:
            stored = self._attempt(backend)
            if stored is not None:
                self._remove_older(backend, stored)
                served(self._members, self._attempts, "save", stored, backend)
                if self._members.presence is not None:
                    self._members.presence.stored(stored, backend.name)
                return stored
        self._attempts.nobody()

    def _attempt(self, backend: Backend) -> str | None:
        was_free = not backend.atomic_save and self._is_free(backend)
        try:
            return backend.store(self.name, self._content.handle(self.name))
        except Exception as error:
            self._failed(backend, error, was_free=was_free)
            return None

    def _is_free(self, backend: Backend) -> bool:
        taken = lies_there(backend, self.name, remove=False)
        if taken and not backend.overwrites:
            # It would choose another itself, where nobody could find what a failure leaves.
            self._rename()
            taken = lies_there(backend, self.name, remove=False)
        return taken is False

    def _rename(self) -> None:
        self.name = alternative_name(self.name)
        self._holding_older.clear()

    def _failed(self, backend: Backend, error: Exception, *, was_free: bool) -> None:
        try:
            if self._content.error is not None:
                raise self._content.error
            self._attempts.failed(backend, error)
        except Exception:
            # No other backend is tried, and nothing is left.
            if was_free:
                lies_there(backend, self.name, remove=True)
            raise
        self._settle(backend, was_free=was_free)

    def _settle(self, backend: Backend, *, was_free: bool) -> None:
        """See to it that nothing in a backend that failed hides the copy in the next one."""
        if backend.atomic_save and not backend.overwrites:
            return
        remains = lies_there(backend, self.name, remove=was_free)
        # Of two older files one might be deleted and the other not: a new name hides neither.
        if remains and backend.overwrites and not self._holding_older:
            self._holding_older.append(backend)
        elif remains is not False:
            self._rename()

    def _remove_older(self, backend: Backend, stored: str) -> None:
        """Delete what would hide the new copy; where that cannot be done, there is no new copy."""
        if stored != self.name:
            return
        for older in self._holding_older:
            if lies_there(older, stored, remove=True) is not False:
                if lies_there(backend, stored, remove=True) is not False:
                    logger.warning("save(%r): %s keeps a second copy", stored, backend.name)
                self._attempts.unavailable()


def lies_there(backend: Backend, name: str, *, remove: bool) -> bool | None:
    """Return whether a backend holds a name (after its removal, if asked), ``None``: unknown."""
    try:
        if remove and backend.exists(name):
            backend.delete(name)
        return bool(backend.exists(name))
    except Exception:
        return None


def open_file(members: Members, name: str, mode: str) -> File[Any]:
    """Open a file for writing where it lies; a new one in the first writable backend that can.

    Raises ``ReadOnlyStorageError`` where it lies in a read-only backend, unless ``mode`` replaces
    it.
    """
    if "w" not in mode:
        found = holder(members, "open", name)
        if found is not None:
            return _open_existing(members, found, name, mode)
        if "r" in mode:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    return _open_new(members, name, mode)


def _open_existing(members: Members, found: Backend, name: str, mode: str) -> File[Any]:
    if "x" in mode:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
    if found.read_only:
        raise ReadOnlyStorageError(
            f"open({name!r}, {mode!r}): the file lies in {found.name}, which is read-only."
        )
    attempts = Attempts(members, "open", name, writing=True)
    try:
        return found.open_for_writing(name, mode)
    except Exception as error:
        attempts.failed(found, error)
        attempts.nobody()


def _open_new(members: Members, name: str, mode: str) -> File[Any]:
    attempts = Attempts(members, "open", name, writing=True)
    for backend in writable(members, "open", name):
        try:
            file = backend.open_for_writing(name, mode)
        except Exception as error:
            attempts.failed(backend, error)
            if lies_there(backend, name, remove=False):
                break  # Its file would hide one written elsewhere.
        else:
            served(members, attempts, "open", name, backend)
            return file
    attempts.nobody()
