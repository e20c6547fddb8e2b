"""Writes: whole or not at all, under one name, in a backend that may be written."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

from django.core.files.base import File

from fallback_storage.backend.backend import Backend
from fallback_storage.backend.content import Content
from fallback_storage.combined.attempts import Question
from fallback_storage.combined.reads import first_with, holder, served
from fallback_storage.errors import ReadOnlyStorageError
from fallback_storage.names import alternative_name
from fallback_storage.signals import logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fallback_storage.combined.base import CombinedStorage


def save(storage: CombinedStorage, name: str, content: Any) -> str:
    """Store ``content`` in the first writable backend that succeeds; return the name it has.

    The name is another than ``name`` where a backend that failed may still hold something there,
    which would hide the file.
    """
    backends = _writable(storage, "save", name)
    with Content(content) as whole:
        return _Save(storage, name, whole).into_first(backends)


def _writable(storage: CombinedStorage, operation: str, name: str) -> Sequence[Backend]:
    if not storage.writable_backends:
        raise ReadOnlyStorageError(
            f"{operation}({name!r}): every backend of {storage!r} is READ_ONLY."
        )
    return storage.writable_backends


class _Save:
    """One file on its way into one backend, others failing before it."""

    def __init__(self, storage: CombinedStorage, name: str, content: Content) -> None:
        self.name = name
        self._storage = storage
        self._content = content
        self._question = Question(storage, "save", name, writing=True)
        self._holding_older: list[Backend] = []

    def into_first(self, backends: Sequence[Backend]) -> str:
        for backend in backends:
            stored = self._attempt(backend)
            if stored is not None:
                self._remove_older(backend, stored)
                served(self._storage, self._question, "save", stored, backend)
                if self._storage.presence is not None:
                    self._storage.presence.stored(stored, backend.name)
                return stored
        self._question.nobody()

    def _attempt(self, backend: Backend) -> str | None:
        was_free = not backend.saves_whole and self._is_free(backend)
        try:
            return backend.save(self.name, self._content.handle(self.name))
        except Exception as error:
            self._failed(backend, error, was_free=was_free)
            return None

    def _is_free(self, backend: Backend) -> bool:
        taken = _lies_there(backend, self.name, remove=False)
        if taken and not backend.overwrites:
            # It would choose another itself, where nobody could find what a failure leaves.
            self._rename()
            taken = _lies_there(backend, self.name, remove=False)
        return taken is False

    def _rename(self) -> None:
        self.name = alternative_name(self.name)
        self._holding_older.clear()

    def _failed(self, backend: Backend, error: Exception, *, was_free: bool) -> None:
        try:
            if self._content.error is not None:
                raise self._content.error
            self._question.failed(backend, error)
        except Exception:
            # No other backend is tried, and nothing is left.
            if was_free:
                _lies_there(backend, self.name, remove=True)
            raise
        self._settle(backend, was_free=was_free)

    def _settle(self, backend: Backend, *, was_free: bool) -> None:
        """See to it that nothing in a backend that failed hides the copy in the next one."""
        if backend.saves_whole and not backend.overwrites:
            return
        lies_there = _lies_there(backend, self.name, remove=was_free)
        # Of two older files one might be deleted and the other not: a new name hides neither.
        if lies_there and backend.overwrites and not self._holding_older:
            self._holding_older.append(backend)
        elif lies_there is not False:
            self._rename()

    def _remove_older(self, backend: Backend, stored: str) -> None:
        """Delete what would hide the new copy; where that cannot be done, there is no new copy."""
        if stored != self.name:
            return
        for older in self._holding_older:
            if _lies_there(older, stored, remove=True) is not False:
                if _lies_there(backend, stored, remove=True) is not False:
                    logger.warning("save(%r): %s keeps a second copy", stored, backend.name)
                self._question.unavailable()


def _lies_there(backend: Backend, name: str, *, remove: bool) -> bool | None:
    """Return whether a backend holds a name (after its removal, if asked), ``None``: unknown."""
    try:
        if remove and backend.call("exists", name):
            backend.call("delete", name)
        return bool(backend.call("exists", name))
    except Exception:
        return None


def open_file(storage: CombinedStorage, name: str, mode: str) -> File[Any]:
    """Open a file for writing where it lies; a new one in the first writable backend that can.

    Raises ``ReadOnlyStorageError`` where it lies in a read-only backend, unless ``mode`` replaces
    it.
    """
    if "w" not in mode:
        found = holder(storage, "open", name)
        if found is not None:
            return _open_existing(storage, found, name, mode)
        if "r" in mode:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    return _open_new(storage, name, mode)


def _open_existing(storage: CombinedStorage, found: Backend, name: str, mode: str) -> File[Any]:
    if "x" in mode:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
    if found.read_only:
        raise ReadOnlyStorageError(
            f"open({name!r}, {mode!r}): the file lies in {found.name}, which is read-only."
        )
    question = Question(storage, "open", name, writing=True)
    try:
        return found.open_for_writing(name, mode)
    except Exception as error:
        question.failed(found, error)
        question.nobody()


def _open_new(storage: CombinedStorage, name: str, mode: str) -> File[Any]:
    question = Question(storage, "open", name, writing=True)
    for backend in _writable(storage, "open", name):
        try:
            file = backend.open_for_writing(name, mode)
        except Exception as error:
            question.failed(backend, error)
            if _lies_there(backend, name, remove=False):
                break  # Its file would hide one written elsewhere.
        else:
            served(storage, question, "open", name, backend)
            return file
    question.nobody()


def delete_from_first(storage: CombinedStorage, name: str) -> None:
    """Delete from the writable backends in order, until one succeeds."""
    question = Question(storage, "delete", name, writing=True)
    for backend in _writable(storage, "delete", name):
        try:
            backend.call("delete", name)
        except Exception as error:
            question.failed(backend, error)
        else:
            served(storage, question, "delete", name, backend)
            return
    question.nobody()


def delete_from_all(storage: CombinedStorage, name: str) -> None:
    """Delete from every writable backend, last first: what a failure leaves is the newest copy.

    Raises ``ReadOnlyStorageError``, and deletes nothing, where a read-only one has the file.
    """
    writable = _writable(storage, "delete", name)
    _refuse_read_only(storage, name)
    for backend in reversed(writable):
        question = Question(storage, "delete", name, writing=True)
        try:
            backend.call("delete", name)
        except Exception as error:
            question.failed(backend, error)
            if question.errors or _lies_there(backend, name, remove=False) is not False:
                question.nobody()


def _refuse_read_only(storage: CombinedStorage, name: str) -> None:
    read_only = [backend for backend in storage.backends if backend.read_only]
    found, question = first_with(storage, "delete", name, read_only, stops=False)
    if found is not None:
        raise ReadOnlyStorageError(
            f"delete({name!r}): {found.name} has it and is read-only. Nothing was deleted."
        )
    if question is not None and question.errors:
        question.unavailable()
