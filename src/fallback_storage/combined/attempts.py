"""A question put to the backends in order, and what each of them said."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NoReturn

from fallback_storage.combined.presence import NOWHERE
from fallback_storage.errors import StorageUnavailable, UnsupportedOperation
from fallback_storage.outcomes import Outcome
from fallback_storage.signals import fallback_used, report_failure, report_fallback

if TYPE_CHECKING:
    from fallback_storage.backend.backend import Backend
    from fallback_storage.combined.base import CombinedStorage


class Question:
    """One operation on one name: the outcome of each backend asked so far."""

    __slots__ = ("_stops", "errors", "name", "operation", "outcomes", "storage", "writing")

    def __init__(
        self,
        storage: CombinedStorage,
        operation: str,
        name: str,
        *,
        writing: bool = False,
        stops: bool = True,
    ) -> None:
        self.storage = storage
        self.operation = operation
        self.name = name
        self.writing = writing
        self._stops = stops
        self.outcomes: dict[str, Outcome] = {}
        self.errors: dict[str, Exception] = {}

    def passed_to(self, backend: Backend) -> None:
        """``backend`` serves, after those that were asked before did not."""
        if fallback_used.receivers and self.outcomes:
            report_fallback(self.storage, backend.name, self.operation, self.name, self.outcomes)

    def anybody_said(self, outcome: Outcome) -> bool:
        return outcome in self.outcomes.values()

    def missing(self, backend: Backend) -> None:
        """``backend`` does not have the name."""
        self.outcomes[backend.name] = Outcome.MISSING

    def failed(self, backend: Backend, error: Exception) -> None:
        """``backend`` raised ``error``: raise it again if asking the next one would be wrong."""
        outcome = backend.outcome_of(error, writing=self.writing)
        if outcome is Outcome.REJECTED:
            raise error
        self.outcomes[backend.name] = outcome
        if not outcome.is_fault:
            return
        self.errors[backend.name] = error
        report_failure(self.storage, backend.name, self.operation, self.name, outcome, error)
        if self._stops and not self.writing and self.storage.on_fault == "raise":
            self.unavailable()

    def nobody(self) -> NoReturn:
        """No backend gave an answer: raise what that means."""
        held = self._held_unsupported()
        if self.errors:
            self.unavailable()
        if not held and self.anybody_said(Outcome.MISSING):
            if self.storage.presence is not None and self.operation != "listdir":
                self.storage.presence.noticed(self.name, NOWHERE)
            error = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.name)
            error.add_note(f"{self.storage!r}: {self}.")
            raise error
        asked = str(self) or "no backend is asked"
        raise UnsupportedOperation(f"No {self.operation}({self.name!r}): {asked}.")

    def _held_unsupported(self) -> bool:
        """Whether the file lies in a backend that has no such operation: it is not *missing*."""
        if set(self.outcomes.values()) != {Outcome.MISSING, Outcome.UNSUPPORTED}:
            return False
        return any(
            self._holds(backend)
            for backend in self.storage.backends
            if self.outcomes.get(backend.name) is Outcome.UNSUPPORTED
        )

    def _holds(self, backend: Backend) -> bool:
        try:
            return bool(backend.call("exists", self.name))
        except Exception as error:
            self.failed(backend, error)
            return False

    def unavailable(self) -> NoReturn:
        """Raise what the backends raised that could not answer."""
        errors = list(self.errors.values())
        # On a write a backend's FileNotFoundError is a failure, which must not read as absence.
        if (
            len(errors) == 1
            and self.storage.raises_single_error
            and not isinstance(errors[0], FileNotFoundError)
        ):
            _add_note(errors[0], f"{self.storage!r}, {self.operation}({self.name!r}): {self}.")
            raise errors[0]
        failures = f"{self.operation}({self.name!r})"
        raise StorageUnavailable(
            operation=self.operation, name=self.name, failures=self.errors
        ) from (errors[0] if len(errors) == 1 else ExceptionGroup(failures, errors))

    def __str__(self) -> str:
        return ", ".join(f"{name} said {outcome}" for name, outcome in self.outcomes.items())


def _add_note(error: Exception, note: str) -> None:
    if note not in getattr(error, "__notes__", ()):  # A backend may raise one error many times.
        error.add_note(note)
