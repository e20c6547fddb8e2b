"""What each backend said to one operation so far, and what that means in the end."""

from __future__ import annotations

import errno
import os
from typing import NoReturn

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.members import Members
from fallback_storage.combined.presence import NOWHERE
from fallback_storage.errors import StorageUnavailable, UnsupportedOperation
from fallback_storage.outcomes import Outcome
from fallback_storage.signals import fallback_used, logger, report_failure, report_fallback

# The operations whose answer shows that the backend has the file.
_OF_A_FILE = frozenset(
    {"exists", "open", "path", "size"}
    | {"get_accessed_time", "get_created_time", "get_modified_time"}
)


class Attempts:
    """One operation on one name: the outcome of each backend asked so far.

    ``stops``: whether ``on_fault="raise"`` ends it at the first backend that could not answer.
    """

    __slots__ = (
        *("_begun", "_members", "_stops", "errors", "guesses", "name", "operation", "outcomes"),
        "writing",
    )

    def __init__(
        self,
        members: Members,
        operation: str,
        name: str,
        *,
        writing: bool = False,
        stops: bool = True,
    ) -> None:
        self._members = members
        self.operation = operation
        self.name = name
        self.writing = writing
        self._stops = stops and not writing and members.on_fault == "raise"
        self._begun = 0.0 if members.presence is None else members.presence.now()
        self.outcomes: dict[str, Outcome] = {}
        self.errors: dict[str, Exception] = {}
        #: Errors that were taken for *missing* though they do not say so.
        self.guesses: dict[str, Exception] = {}

    def __str__(self) -> str:
        return ", ".join(f"{name} said {outcome}" for name, outcome in self.outcomes.items())

    @property
    def is_known(self) -> bool:
        """Whether nothing that was said so far is a fault or a guess."""
        return not self.errors and not self.guesses

    @property
    def any_missing(self) -> bool:
        """Whether a backend said that it does not have the name."""
        return Outcome.MISSING in self.outcomes.values()

    def notice(self, holder: str) -> None:
        """Remember who holds the name, if nothing about it is a fault or a guess."""
        if self._members.presence is not None and self.is_known:
            self._members.presence.noticed(self.name, holder, self._begun)

    def missing(self, backend: Backend) -> None:
        """Record that ``backend`` does not have the name."""
        self.outcomes[backend.name] = Outcome.MISSING

    def failed(self, backend: Backend, error: Exception) -> None:
        """Record ``error``; raise it again if asking the next backend would be wrong."""
        listing = self.operation == "listdir"
        outcome = backend.outcome_of(error, writing=self.writing, listing=listing)
        if outcome is Outcome.REJECTED:
            raise error
        self.outcomes[backend.name] = outcome
        if outcome is Outcome.MISSING and backend.infers_missing(error):
            self.guesses[backend.name] = error
        if not outcome.is_fault:
            return
        self.errors[backend.name] = error
        report_failure(
            self._members.owner, backend.name, self.operation, self.name, outcome, error
        )
        if self._stops:
            self.unavailable()

    def nobody(self) -> NoReturn:
        """Raise what it means that no backend gave an answer."""
        held = self._is_held_by_unsupporting()
        if self.errors:
            self.unavailable()
        if not held and self.any_missing:
            if self.operation != "listdir":
                self.notice(NOWHERE)
            error = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.name)
            error.add_note(f"{self._members.owner!r}: {self}.")
            raise error
        asked = str(self) or "no backend is asked"
        raise UnsupportedOperation(f"No {self.operation}({self.name!r}): {asked}.")

    def _is_held_by_unsupporting(self) -> bool:
        """Return whether the file lies in a backend without the operation: it is not *missing*."""
        if set(self.outcomes.values()) != {Outcome.MISSING, Outcome.UNSUPPORTED}:
            return False
        for backend in self._members.backends:
            if self.outcomes.get(backend.name) is Outcome.UNSUPPORTED:
                try:
                    if backend.exists(self.name):
                        return True
                except Exception as error:
                    self.failed(backend, error)
        return False

    def unavailable(self) -> NoReturn:
        """Raise what the backends raised that could not answer."""
        errors = list(self.errors.values())
        # On a write a backend's FileNotFoundError is a failure, which must not read as absence.
        if (
            len(errors) == 1
            and self._members.raises_single_error
            and not isinstance(errors[0], FileNotFoundError)
            and self._is_noted(errors[0])
        ):
            raise errors[0]
        failures = f"{self.operation}({self.name!r})"
        raise StorageUnavailable(
            operation=self.operation, name=self.name, failures=self.errors
        ) from (errors[0] if len(errors) == 1 else ExceptionGroup(failures, errors))

    def _is_noted(self, error: Exception) -> bool:
        """Note at an error what the others said; ``False`` if it is frozen, as minio's are.

        Such an error cannot be raised through a context manager either.
        """
        note = f"{self._members.owner!r}, {self.operation}({self.name!r}): {self}."
        try:
            if note not in getattr(error, "__notes__", ()):  # One error can be raised twice.
                error.add_note(note)
        except AttributeError:
            return False
        return True


def served(
    members: Members, attempts: Attempts | None, operation: str, name: str, backend: Backend
) -> None:
    """Tell that ``backend`` serves; ``attempts`` holds what the backends before it said, if any.

    It is remembered where a file was found and every backend before could answer.
    """
    logger.debug("%s(%r): %s serves", operation, name, backend.name)
    if attempts is None:
        return
    if attempts.outcomes and fallback_used.receivers:
        report_fallback(members.owner, backend.name, operation, name, attempts.outcomes)
    if members.presence is not None and operation in _OF_A_FILE:
        attempts.notice(backend.name)
