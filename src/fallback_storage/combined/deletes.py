"""Deletes, by policy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.attempts import Attempts, served
from fallback_storage.combined.members import Members
from fallback_storage.combined.writes import writable
from fallback_storage.errors import ReadOnlyStorageError

#: Deletes a name from the backends that a policy names.
Delete = Callable[[Members, str], None]


def from_first(members: Members, name: str) -> None:
    """Delete from the writable backends in order, until one succeeds.

    After a failure another one succeeds only if it had the file, or if the one that failed says
    now that it does not have it.
    """
    attempts = Attempts(members, "delete", name, writing=True)
    failed: list[Backend] = []
    for backend in writable(members, "delete", name):
        had = backend.lacks(name) is False if attempts.outcomes else True
        try:
            backend.delete(name)
        except Exception as error:
            if backend.says_missing(error) and backend.lacks(name) is True:
                attempts.missing(backend)
                continue
            attempts.failed(backend, error)
            failed.append(backend)
        else:
            if had or all(each.lacks(name) is True for each in failed):
                served(members, attempts, "delete", name, backend)
                return
    if attempts.any_missing and not attempts.errors:
        _refuse_read_only(members, name)
    attempts.nobody()


def from_all(members: Members, name: str) -> None:
    """Delete from every writable backend, last first: what a failure leaves is the newest copy.

    Raises ``ReadOnlyStorageError``, and deletes nothing, where a read-only one has the file.
    """
    backends = writable(members, "delete", name)
    with ExitStack() as stack:
        if members.promotion is not None:
            # Nobody brings the file back who looked for it before it was deleted.
            with suppress(OSError):  # Where that fails nothing can be created either.
                stack.enter_context(backends[0].locked(name))
        _refuse_read_only(members, name)
        # All are asked before one deletes: then the name may be free, and another process save it.
        others = [backend for backend in backends[:-1] if _may_hold(backend, name)]
        for backend in (backends[-1], *reversed(others)):
            attempts = Attempts(members, "delete", name, writing=True)
            try:
                backend.delete(name)
            except Exception as error:
                lacks = backend.lacks(name) is True
                if backend.says_missing(error) and lacks:
                    continue
                attempts.failed(backend, error)
                if attempts.errors or not lacks:
                    attempts.nobody()


def _may_hold(backend: Backend, name: str) -> bool:
    """Return whether a backend has something of this name to delete, be it a directory."""
    try:
        return backend.claims(name)
    except Exception:  # Its own delete will tell.
        return True


def _refuse_read_only(members: Members, name: str) -> None:
    """Raise where a read-only backend has the file, or may have it."""
    attempts = Attempts(members, "delete", name, writing=True)
    for backend in members.backends:
        if not backend.read_only:
            continue
        try:
            found = backend.exists(name)
        except Exception as error:
            if not backend.says_missing(error):
                attempts.failed(backend, error)
                attempts.nobody()
            continue
        if found:
            raise ReadOnlyStorageError(
                f"delete({name!r}): {backend.name} has it and is read-only. Nothing was deleted."
            )
