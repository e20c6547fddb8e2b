"""Deletes, by policy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress

from fallback_storage.combined.attempts import Attempts, served
from fallback_storage.combined.members import Members
from fallback_storage.combined.reads import first_with
from fallback_storage.combined.writes import lies_there, writable
from fallback_storage.errors import ReadOnlyStorageError

#: Deletes a name from the backends that a policy names.
Delete = Callable[[Members, str], None]


def from_first(members: Members, name: str) -> None:
    """Delete from the writable backends in order, until one succeeds."""
    attempts = Attempts(members, "delete", name, writing=True)
    for backend in writable(members, "delete", name):
        try:
            backend.delete(name)
        except Exception as error:
            attempts.failed(backend, error)
        else:
            served(members, attempts, "delete", name, backend)
            return
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
        for backend in reversed(backends):
            attempts = Attempts(members, "delete", name, writing=True)
            try:
                backend.delete(name)
            except Exception as error:
                attempts.failed(backend, error)
                if attempts.errors or lies_there(backend, name, remove=False) is not False:
                    attempts.nobody()


def _refuse_read_only(members: Members, name: str) -> None:
    read_only = [backend for backend in members.backends if backend.read_only]
    found, attempts = first_with(members, "delete", name, read_only, stops=False)
    if found is not None:
        raise ReadOnlyStorageError(
            f"delete({name!r}): {found.name} has it and is read-only. Nothing was deleted."
        )
    if attempts is not None and attempts.errors:
        attempts.unavailable()
