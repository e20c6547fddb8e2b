"""Saves: whole or not at all, under one name, in a backend that may be written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fallback_storage.backend.backend import Backend
from fallback_storage.backend.content import Content
from fallback_storage.combined import naming
from fallback_storage.combined.attempts import Attempts, served
from fallback_storage.combined.members import Members
from fallback_storage.combined.saving import Saving, saving_of
from fallback_storage.errors import NameChangedError, ReadOnlyStorageError
from fallback_storage.names import alternative_name
from fallback_storage.outcomes import Outcome
from fallback_storage.signals import logger


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
    file gets another name: the next save may find the backend mended, and the name free there.
    """
    attempts = Attempts(members, "save", name, writing=True)
    current = saving_of(members.owner)
    max_length = None if current is None else current.max_length
    with Content(content) as whole:
        for backend in writable(members, "save", name):
            replaces = backend is members.writable[0] and _replaces(members, current, name)
            if not backend.adapter.can_create:
                whole.verify()  # It could not be taken back.
            try:
                stored = _store(backend, name, whole, replaces, max_length)
            except Exception as error:
                if whole.error is not None:
                    raise whole.error  # noqa: B904 - nobody else could read it either.
                attempts.failed(backend, error)
                if replaces or attempts.outcomes[backend.name] is not Outcome.UNSUPPORTED:
                    warn_of_part(backend, "save", name)
                    name = alternative_name(name, max_length)
            else:
                return _stored(members, attempts, backend, name, stored)
    attempts.nobody()


def _stored(members: Members, attempts: Attempts, backend: Backend, name: str, stored: str) -> str:
    """Return the name that a file has; see to what the failures before it may have damaged."""
    if stored != name:
        _accept(members, backend, name, stored)
    first = members.backends[0]
    was_damaged = first.name in attempts.errors and not first.adapter.atomic_replace
    if was_damaged and naming.overwrites(members):
        _settle(members, attempts.name)
    served(members, attempts, "save", stored, backend)
    members.stored(stored, backend)
    return stored


def warn_of_part(backend: Backend, operation: str, name: str) -> None:
    """Say that a write which failed may have left a part of a file."""
    if not backend.adapter.atomic_save and backend.lacks(name) is not True:
        logger.warning("%s(%r): %s may hold an incomplete file", operation, name, backend.name)


def _replaces(members: Members, current: Saving | None, name: str) -> bool:
    """Return whether the first writable backend is to replace a file of that name."""
    if current is not None and current.chosen == name:
        return current.overwrites
    return naming.overwrites(members) and members.writable[0] is members.backends[0]


def _store(
    backend: Backend, name: str, content: Content, replaces: bool, max_length: int | None
) -> str:
    """Store content in one backend; return the name it has there."""
    if "save" in backend.own:
        return backend.save(name, max_length, content.handle(name))
    if replaces:
        return backend.replace(name, content.handle(name))
    candidate = name
    while True:
        stored = backend.create(candidate, content.handle(candidate), None)
        if stored is not None:
            return name if stored == candidate == name else stored
        candidate = alternative_name(name, max_length)


def _accept(members: Members, backend: Backend, name: str, stored: str) -> None:
    """Accept the name that a backend gave a file, if no other backend has one of that name."""
    for other in members.backends:
        if other is not backend and other.lacks(stored) is not True:
            raise NameChangedError(
                f"{backend.name} stored {name!r} as {stored!r}, a name that {other.name} holds or"
                f" may hold. The file is in {backend.name} under that name; nothing was deleted."
            )


def _settle(members: Members, name: str) -> None:
    """Delete the older copy in the first backend that was to be replaced, and may be damaged.

    It stays where it hides an even older one.
    """
    first, *others = members.backends
    try:
        if all(other.lacks(name) is True for other in others):
            first.delete(name)
            return
        reason = "another backend has one too"
    except Exception as error:
        reason = type(error).__name__
    logger.warning("save: %s may keep a damaged copy of %r: %s", first.name, name, reason)
