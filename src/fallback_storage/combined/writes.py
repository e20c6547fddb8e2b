"""Saves: whole or not at all, under one name, in a backend that may be written."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from django.core.files.storage import Storage

from fallback_storage.backend.backend import Backend
from fallback_storage.backend.content import Content
from fallback_storage.combined.attempts import Attempts, served
from fallback_storage.combined.members import Members
from fallback_storage.errors import NameChangedError, ReadOnlyStorageError
from fallback_storage.names import alternative_name
from fallback_storage.signals import logger

#: The storage whose ``save`` is under way, the name that it holds, and how long a name may be:
#: Django's ``_save`` is not told.
saving: ContextVar[tuple[Storage | None, str, int | None]] = ContextVar(
    "fallback_storage_saving", default=(None, "", None)
)


def writable(members: Members, operation: str, name: str) -> Sequence[Backend]:
    """Return the backends that may be written; raise ``ReadOnlyStorageError`` if none may."""
    if not members.writable:
        raise ReadOnlyStorageError(
            f"{operation}({name!r}): every backend of {members.owner!r} is READ_ONLY."
        )
    return members.writable


def save(members: Members, name: str, content: Any) -> str:
    """Store ``content`` in the first writable backend that succeeds; return the name it has.

    ``name`` is free, or the first backend's owner wants its file replaced. After a failure the
    file gets another name, unless the backend that failed says that it holds nothing there.
    """
    attempts = Attempts(members, "save", name, writing=True)
    damaged: list[tuple[Backend, str]] = []
    with Content(content) as whole:
        for backend in writable(members, "save", name):
            if not backend.adapter.can_create:
                whole.verify()  # It could not be taken back.
            try:
                stored = _store(backend, name, whole)
            except Exception as error:
                if whole.error is not None:
                    raise whole.error  # noqa: B904 - nobody else could read it either.
                attempts.failed(backend, error)
                name = _after_failure(backend, name, damaged)
                continue
            if stored != name:
                _accept(members, backend, name, stored)
            _settle(damaged)
            served(members, attempts, "save", stored, backend)
            if members.presence is not None:
                members.presence.stored(stored, backend.name)
            return stored
    attempts.nobody()


def _after_failure(backend: Backend, name: str, damaged: list[tuple[Backend, str]]) -> str:
    """Return the name for the next backend, where nothing in this one hides it."""
    if backend.lacks(name) is True:
        return name
    if not backend.adapter.atomic_save:
        logger.warning("save(%r): %s may hold an incomplete file", name, backend.name)
    if backend.overwrites and not backend.adapter.atomic_replace:
        damaged.append((backend, name))
    return alternative_name(name, saving.get()[2])


def _store(backend: Backend, name: str, content: Content) -> str:
    """Store content in one backend; return the name it has there."""
    if backend.overwrites or not backend.adapter.can_create:
        # That the name is free was asked a moment ago.
        return backend.replace(name, content.handle(name))
    candidate = name
    while True:
        stored = backend.create(candidate, content.handle(candidate), None)
        if stored is not None:
            return name if stored == candidate == name else stored
        candidate = alternative_name(name, saving.get()[2])


def _accept(members: Members, backend: Backend, name: str, stored: str) -> None:
    """Accept the name that a backend gave a file, if no other backend has one of that name."""
    for other in members.backends:
        if other is not backend and other.lacks(stored) is not True:
            raise NameChangedError(
                f"{backend.name} stored {name!r} as {stored!r}, a name that {other.name} holds or"
                f" may hold. The file is in {backend.name} under that name; nothing was deleted."
            )


def _settle(damaged: Sequence[tuple[Backend, str]]) -> None:
    """Delete the older copies that were to be replaced, and that a failed attempt damaged."""
    for backend, name in damaged:
        try:
            backend.delete(name)
        except Exception as error:
            logger.warning(
                "save: %s keeps a damaged copy of %r: %s", backend.name, name, type(error).__name__
            )
