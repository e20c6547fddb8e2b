"""What this package raises.

::

    FallbackStorageError
    ├── StorageUnavailable      OSError: a backend that could not answer may hold the file
    ├── NameChangedError        OSError: a backend stored a file under another name
    ├── BreakerOpen             OSError: a backend is not asked, since its breaker is open
    ├── DeadlineExceeded        TimeoutError: a backend has not answered within its TIMEOUT
    │   └── BulkheadFull        a backend was not asked: all its threads were at work
    ├── ReadOnlyStorageError    PermissionError: what would have to change is read-only
    ├── UnexpectedAnswer        OSError: a site answered HTTPStorage with something else
    └── UnsupportedOperation    AttributeError, NotImplementedError: no backend has the method

A file that every backend says is missing is a ``FileNotFoundError``, a bad name a
``SuspiciousFileOperation`` and bad configuration an ``ImproperlyConfigured``, as in Django.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

__all__ = [
    "BreakerOpen",
    "BulkheadFull",
    "DeadlineExceeded",
    "FallbackStorageError",
    "NameChangedError",
    "ReadOnlyStorageError",
    "StorageUnavailable",
    "UnsupportedOperation",
]


class FallbackStorageError(Exception):
    """What this package raises of its own."""


class StorageUnavailable(FallbackStorageError, OSError):
    """A backend that could not answer may hold the file.

    ``failures`` maps the name of each backend that could not answer to the error it raised. The
    text holds names and error types only: a backend's own words can hold credentials, and for the
    same reason they stay behind when the error is pickled.
    """

    operation: str
    name: str
    failures: Mapping[str, Exception]

    def __init__(
        self,
        message: str = "",
        *,
        operation: str = "",
        name: str = "",
        failures: Mapping[str, Exception] | None = None,
    ) -> None:
        self.operation = operation
        self.name = name
        self.failures = MappingProxyType(dict(failures or {}))
        super().__init__(message or self._text())

    def _text(self) -> str:
        if not self.failures:
            return "A storage could not answer."
        who = ", ".join(f"{name} ({type(e).__name__})" for name, e in self.failures.items())
        return f"{self.operation}({self.name!r}) failed: no answer from {who}."

    def __copy__(self) -> StorageUnavailable:
        return type(self)(
            str(self), operation=self.operation, name=self.name, failures=self.failures
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> StorageUnavailable:
        return self.__copy__()

    def __reduce__(self) -> tuple[Any, ...]:
        types = {name: type(error).__name__ for name, error in self.failures.items()}
        return _unpickle, (type(self), str(self), self.operation, self.name, types)


def _unpickle(
    cls: type[StorageUnavailable], text: str, operation: str, name: str, types: dict[str, str]
) -> StorageUnavailable:
    failures = {backend: OSError(error_type) for backend, error_type in types.items()}
    return cls(text, operation=operation, name=name, failures=failures)


class NameChangedError(FallbackStorageError, OSError):
    """A backend stored a file under another name than the one it was given."""


class BreakerOpen(FallbackStorageError, OSError):
    """A backend is not asked: its breaker is open, since too many questions before failed."""


class DeadlineExceeded(FallbackStorageError, TimeoutError):
    """A backend has not answered within its ``TIMEOUT``."""


class BulkheadFull(DeadlineExceeded):
    """A backend was not asked within its ``TIMEOUT``: all its ``THREADS`` were at work."""


class ReadOnlyStorageError(FallbackStorageError, PermissionError):
    """What would have to change lies in a read-only backend, or no backend may be written."""


class UnsupportedOperation(FallbackStorageError, AttributeError, NotImplementedError):
    """No backend implements the method.

    Both an ``AttributeError``, which this package has raised since its first version, and the
    ``NotImplementedError`` that Django's own storages raise.
    """
