"""What asking one backend came to.

Absence is not outage: a read may go on to the next backend after *missing*, and must not claim
that a file is nowhere after anything else.
"""

from __future__ import annotations

import enum
import errno
import socket
import ssl
from collections.abc import Mapping

from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation

from fallback_storage.errors import NameChangedError, StorageUnavailable


class Outcome(enum.StrEnum):
    """What asking one backend came to."""

    ANSWER = "answer"
    MISSING = "missing"
    UNSUPPORTED = "unsupported"
    DENIED = "denied"
    UNREACHABLE = "unreachable"
    FAILED = "failed"
    REJECTED = "rejected"

    @property
    def is_fault(self) -> bool:
        """Whether the backend could not answer, and so may hold the file all the same."""
        return self in _FAULTS


_FAULTS = frozenset({Outcome.DENIED, Outcome.UNREACHABLE, Outcome.FAILED})

_REJECTED = (
    SuspiciousOperation,
    ImproperlyConfigured,
    TypeError,
    NameError,
    AssertionError,
    MemoryError,
    RecursionError,
)
# Known by name, so that neither library needs to be installed. Both derive from Exception:
# asking the next backend would outlive the limit that they enforce.
_REJECTED_BY_NAME = frozenset(
    {
        "billiard.exceptions.SoftTimeLimitExceeded",
        "rq.timeouts.BaseTimeoutException",
        "botocore.exceptions.ParamValidationError",
    }
)
# gaierror and SSLError carry numbers of their own in errno, which collide with the system's.
_NETWORK = (ConnectionError, TimeoutError, socket.gaierror, socket.herror, ssl.SSLError)
_LOCAL_ERRNOS = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EFBIG,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.EISDIR,
        errno.ENOTEMPTY,
        errno.EEXIST,
    }
)
_BY_ERRNO = dict.fromkeys(_LOCAL_ERRNOS, Outcome.FAILED) | {errno.ENAMETOOLONG: Outcome.MISSING}
_MISSING_STATUS = frozenset({404, 410})
_DENIED_STATUS = frozenset({401, 403})
# The place itself is gone, not the file in it: Amazon's and Azure's words for it.
_MISSING_PLACE = frozenset({"NoSuchBucket", "ContainerNotFound"})


def classify(error: Exception, *, writing: bool = False) -> Outcome:
    """Return what ``error``, raised by a backend, says; on a write nothing is *missing*."""
    outcome = _classify_itself(error)
    if outcome is None:
        cause = error.__cause__
        says_missing = isinstance(cause, Exception) and _classify_itself(cause) is Outcome.MISSING
        outcome = Outcome.MISSING if says_missing else Outcome.UNREACHABLE
    if writing and outcome is Outcome.MISSING:
        return Outcome.FAILED
    return outcome


def _classify_itself(error: Exception) -> Outcome | None:
    if isinstance(error, StorageUnavailable):
        return Outcome.UNREACHABLE
    if isinstance(error, _REJECTED) or not _REJECTED_BY_NAME.isdisjoint(class_paths(error)):
        return Outcome.REJECTED
    if isinstance(error, NotImplementedError):
        return Outcome.UNSUPPORTED
    if (status := http_status(error)) is not None:
        return _classify_status(status, error)
    if isinstance(error, OSError):
        return _classify_os_error(error)
    return None


def _classify_status(status: int, error: Exception) -> Outcome:
    if _place(error) in _MISSING_PLACE:
        return Outcome.FAILED
    if status in _MISSING_STATUS:
        return Outcome.MISSING
    return Outcome.DENIED if status in _DENIED_STATUS else Outcome.UNREACHABLE


def _classify_os_error(error: OSError) -> Outcome | None:
    if isinstance(error, _NETWORK):
        return Outcome.UNREACHABLE
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return Outcome.MISSING
    if isinstance(error, PermissionError):
        return Outcome.DENIED
    if isinstance(error, (FileExistsError, IsADirectoryError, NameChangedError)):
        return Outcome.FAILED
    # Without a number only its cause can tell what it means.
    return _BY_ERRNO.get(error.errno, Outcome.UNREACHABLE) if error.errno else None


def paths_of(cls: type) -> list[str]:
    """Return the dotted paths of a class and of all that it derives from, nearest first."""
    return [f"{each.__module__}.{each.__qualname__}" for each in cls.__mro__]


def class_paths(instance: object) -> list[str]:
    """Return the dotted paths of the classes of ``instance``, nearest first."""
    return paths_of(instance.__class__)


def http_status(error: Exception) -> int | None:
    """Return the HTTP status that ``error`` carries, in whichever way its library has it."""
    response = getattr(error, "response", None)
    metadata = response.get("ResponseMetadata") if isinstance(response, Mapping) else None
    candidates = (
        metadata.get("HTTPStatusCode") if isinstance(metadata, Mapping) else None,
        getattr(error, "status_code", None),
        getattr(response, "status_code", None),
        getattr(error, "code", None),
    )
    return next((int(c) for c in candidates if isinstance(c, int) and 100 <= c < 600), None)


def _place(error: Exception) -> object:
    response = getattr(error, "response", None)
    if isinstance(response, Mapping) and isinstance(response.get("Error"), Mapping):
        return response["Error"].get("Code")
    return getattr(error, "error_code", None)
