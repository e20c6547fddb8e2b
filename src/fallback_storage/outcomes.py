"""What asking one backend came to.

Absence is not outage: a read may go on to the next backend after *missing*, and must not claim
that a file is nowhere after anything else.
"""

from __future__ import annotations

import enum
import errno
import re
import socket
import ssl
from collections.abc import Iterator

from django.core.exceptions import (
    ImproperlyConfigured,
    ObjectDoesNotExist,
    SuspiciousOperation,
)

from fallback_storage.errors import NameChangedError, StorageUnavailable
from fallback_storage.statuses import http_status, service_code


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
# The server is not able to answer now: a later try may succeed.
_TRY_LATER_STATUS = frozenset({408, 425, 429})
# The same, said by a code that clients retry whatever its status: Amazon's (botocore's own list).
_TRY_LATER = frozenset(
    {
        "BandwidthLimitExceeded",
        "InternalError",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
# How libraries call their errors of a connection; most of them are no OSErrors.
_NETWORK_NAME = re.compile(
    "Connect|Timeout|TimedOut|Transport|SSL|SSH|Proxy|Network|Unreachable|Unavailable"
    "|HTTPException|Protocol|IncompleteRead|EOFError|Throttl|RateLimit|TooManyRequests"
)
_SERVER_ERROR = 500
# Where a call of a storage is made from.
_OURS = f"{__name__.partition('.')[0]}."
# The two kinds of errors that a database driver has (PEP 249).
_DATABASE_NAMES = frozenset({"DatabaseError", "InterfaceError"})
# The place itself is gone, not the file in it: Amazon's and Azure's words for it.
_MISSING_PLACE = frozenset({"NoSuchBucket", "ContainerNotFound"})


class InferredMissing(FileNotFoundError):
    """A storage raised an error that says nothing, and then that it does not have the file.

    A read goes on; to a write it is not known that the storage lacks the file.
    """


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


def says_nothing(error: Exception, outer: BaseException | None = None) -> bool:
    """Return whether neither ``error`` nor what led to it tells what it is about.

    ``outer`` was being handled already when the storage was called: it has led to nothing.

    What led to it can tell that it is about something else than a missing file: a network, a
    database, a status. It cannot tell that the file is missing: it may have been about another.
    """
    return (
        _classify_itself(error) is None
        and classify(error) is not Outcome.MISSING
        and not any(_is_telling(each) for each in _chain(error, outer))
    )


def is_of_an_outage(error: Exception, outer: BaseException | None = None) -> bool:
    """Return whether a network, or a server that could not answer, led to ``error``.

    ``outer`` was being handled already: it has led to nothing.
    """
    return any(
        isinstance(each, Exception)
        and (_has_network_name(each) or _classify_itself(each) is Outcome.UNREACHABLE)
        for each in _chain(error, outer)
    )


def _has_network_name(error: BaseException) -> bool:
    return any(_NETWORK_NAME.search(cls.__name__) for cls in error.__class__.__mro__)


def _is_telling(error: BaseException) -> bool:
    names = {cls.__name__ for cls in error.__class__.__mro__}
    if _has_network_name(error) or not _DATABASE_NAMES.isdisjoint(names):
        return True
    if not isinstance(error, Exception):
        return True
    outcome = _classify_itself(error)
    return outcome is Outcome.REJECTED or (outcome is not None and outcome.is_fault)


def _chain(error: BaseException, outer: BaseException | None) -> Iterator[BaseException]:
    """Give the error, and every one that it was raised from or while handling, until ``outer``."""
    seen: dict[int, BaseException | None] = {id(outer): outer}
    following: list[BaseException | None] = [error]
    while following:
        each = following.pop()
        if each is not None and id(each) not in seen:
            seen[id(each)] = each
            following += [each.__cause__, each.__context__]
            yield each


def _classify_itself(error: Exception) -> Outcome | None:
    if isinstance(error, StorageUnavailable):
        return Outcome.UNREACHABLE
    if isinstance(error, _REJECTED) or not _REJECTED_BY_NAME.isdisjoint(class_paths(error)):
        return Outcome.REJECTED
    if isinstance(error, TypeError):
        return Outcome.REJECTED if _is_of_the_call(error) else None
    if isinstance(error, NotImplementedError):
        return Outcome.UNSUPPORTED
    if isinstance(error, ObjectDoesNotExist):
        return Outcome.MISSING
    if (status := http_status(error)) is not None:
        return _classify_status(status, error)
    if isinstance(error, OSError):
        return _classify_os_error(error)
    return None


def _is_of_the_call(error: TypeError) -> bool:
    """Return whether the arguments of a call were wrong, and not something deeper in a storage."""
    frame = None
    traceback = error.__traceback__
    while traceback is not None:
        frame, traceback = traceback.tb_frame, traceback.tb_next
    return frame is None or frame.f_globals.get("__name__", "").startswith(_OURS)


def _classify_status(status: int, error: Exception) -> Outcome:
    code = service_code(error)
    if code in _TRY_LATER or status in _TRY_LATER_STATUS or status >= _SERVER_ERROR:
        return Outcome.UNREACHABLE
    if code in _MISSING_PLACE:
        return Outcome.FAILED
    if status in _MISSING_STATUS:
        return Outcome.MISSING
    return Outcome.DENIED if status in _DENIED_STATUS else Outcome.FAILED


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
