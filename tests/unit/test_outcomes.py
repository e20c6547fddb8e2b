"""Absence is not outage, and nothing else is either."""

from __future__ import annotations

import errno
import socket
import ssl
from types import SimpleNamespace

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation

from fallback_storage.errors import NameChangedError, StorageUnavailable, UnsupportedOperation
from fallback_storage.outcomes import Outcome, classify, http_status

MISSING, UNSUPPORTED = Outcome.MISSING, Outcome.UNSUPPORTED
DENIED, UNREACHABLE = Outcome.DENIED, Outcome.UNREACHABLE
FAILED, REJECTED = Outcome.FAILED, Outcome.REJECTED


def client_error(status: int, code: str = "") -> ClientError:
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "HeadObject")


def with_attributes(**attributes: object) -> Exception:
    error = Exception("s")
    vars(error).update(attributes)
    return error


def caused(error: Exception, by: BaseException) -> Exception:
    error.__cause__ = by
    return error


def in_context_of(error: Exception, context: Exception) -> Exception:
    error.__context__ = context
    return error


class TimeLimit(Exception):
    """Stands for Celery's, which is known by its name."""


TimeLimit.__module__, TimeLimit.__qualname__ = "billiard.exceptions", "SoftTimeLimitExceeded"


class WorkerTimeLimit(Exception):
    """Stands for RQ's, of which its own are made."""


WorkerTimeLimit.__module__, WorkerTimeLimit.__qualname__ = "rq.timeouts", "BaseTimeoutException"


class JobTimeLimit(WorkerTimeLimit):
    pass


class OfAClient(OSError):
    """A client's own, which Python does not turn into FileExistsError and the like."""


CASES = [
    # Missing.
    (FileNotFoundError(errno.ENOENT, "x"), MISSING),
    (FileNotFoundError("File does not exist: x"), MISSING),
    (NotADirectoryError(errno.ENOTDIR, "x"), MISSING),
    (OSError(errno.ENAMETOOLONG, "x"), MISSING),
    (client_error(404), MISSING),
    (client_error(404, "NoSuchKey"), MISSING),
    (client_error(410), MISSING),
    (with_attributes(status_code=404), MISSING),
    (with_attributes(status_code=410), MISSING),
    (with_attributes(code=404), MISSING),
    (with_attributes(response=SimpleNamespace(status_code=404)), MISSING),
    (with_attributes(status_code=404, error_code="BlobNotFound"), MISSING),
    (caused(Exception("wrapped"), FileNotFoundError("x")), MISSING),
    (caused(OSError("wrapped"), client_error(404)), MISSING),
    (caused(ValueError("wrapped"), with_attributes(status_code=410)), MISSING),
    # The place is missing, not the file.
    (client_error(404, "NoSuchBucket"), FAILED),
    (with_attributes(status_code=404, error_code="ContainerNotFound"), FAILED),
    # Unsupported.
    (NotImplementedError(), UNSUPPORTED),
    (UnsupportedOperation("none"), UNSUPPORTED),
    # Denied.
    (PermissionError(errno.EACCES, "x"), DENIED),
    (PermissionError(errno.EPERM, "x"), DENIED),
    (client_error(403, "AccessDenied"), DENIED),
    (client_error(401), DENIED),
    (with_attributes(code=403), DENIED),
    # Failed, on this machine.
    *(
        (OSError(getattr(errno, name), "x"), FAILED)
        for name in (
            "ENOSPC",
            "EDQUOT",
            "EROFS",
            "EFBIG",
            "EIO",
            "EMFILE",
            "ENFILE",
            "EISDIR",
            "ENOTEMPTY",
            "EEXIST",
        )
    ),
    (OfAClient(errno.EISDIR, "x"), FAILED),
    (OfAClient(errno.EEXIST, "x"), FAILED),
    (IsADirectoryError("x"), FAILED),
    (FileExistsError("x"), FAILED),
    (NameChangedError("x"), FAILED),
    # Unreachable: all the rest, whatever it was raised from or while handling.
    (ConnectionError("x"), UNREACHABLE),
    (ConnectionRefusedError(errno.ECONNREFUSED, "x"), UNREACHABLE),
    (TimeoutError("x"), UNREACHABLE),
    (OSError(errno.ESTALE, "x"), UNREACHABLE),
    (OSError(errno.EHOSTUNREACH, "x"), UNREACHABLE),
    (OSError("no number"), UNREACHABLE),
    (socket.gaierror(errno.EIO, "EAI numbers collide with errno"), UNREACHABLE),
    (socket.herror(errno.EIO, "so do those of the older resolver"), UNREACHABLE),
    (ssl.SSLError(errno.EIO, "SSL numbers collide with errno"), UNREACHABLE),
    (ConnectTimeoutError(endpoint_url="http://x"), UNREACHABLE),
    (ReadTimeoutError(endpoint_url="http://x"), UNREACHABLE),
    (EndpointConnectionError(endpoint_url="http://x"), UNREACHABLE),
    (client_error(500), UNREACHABLE),
    (client_error(503, "SlowDown"), UNREACHABLE),
    (client_error(429), UNREACHABLE),
    (client_error(400), UNREACHABLE),
    (with_attributes(status_code=True), UNREACHABLE),
    (with_attributes(status_code="404"), UNREACHABLE),
    (with_attributes(code=4), UNREACHABLE),
    (StorageUnavailable("nested"), UNREACHABLE),
    (caused(StorageUnavailable("nested"), FileNotFoundError("x")), UNREACHABLE),
    (caused(ConnectionError("no socket"), FileNotFoundError("/run/x.sock")), UNREACHABLE),
    (caused(TimeoutError("no answer"), FileNotFoundError("/run/x.sock")), UNREACHABLE),
    (caused(OSError(errno.ESTALE, "x"), FileNotFoundError("x")), UNREACHABLE),
    (caused(client_error(503), FileNotFoundError("x")), UNREACHABLE),
    (caused(Exception("x"), KeyboardInterrupt()), UNREACHABLE),
    (in_context_of(Exception("outage"), FileNotFoundError("x")), UNREACHABLE),
    (in_context_of(OSError("outage"), client_error(404)), UNREACHABLE),
    (in_context_of(TimeoutError("outage"), FileNotFoundError("x")), UNREACHABLE),
    (AttributeError("'NoneType' object has no attribute 'is_active'"), UNREACHABLE),
    (ValueError("x"), UNREACHABLE),
    (KeyError("x"), UNREACHABLE),
    # Rejected: no other backend is asked.
    (SuspiciousFileOperation("x"), REJECTED),
    (ImproperlyConfigured("x"), REJECTED),
    (TypeError("x"), REJECTED),
    (NameError("x"), REJECTED),
    (AssertionError("x"), REJECTED),
    (MemoryError(), REJECTED),
    (RecursionError("x"), REJECTED),
    (ParamValidationError(report="Invalid length for parameter Key"), REJECTED),
    (TimeLimit(), REJECTED),
    (JobTimeLimit(), REJECTED),
]


def describe(value: object) -> str:
    return str(value) if isinstance(value, Outcome) else type(value).__name__


@pytest.mark.parametrize(("error", "outcome"), CASES, ids=describe)
def test_an_error_says_one_thing(error: Exception, outcome: Outcome) -> None:
    assert classify(error) is outcome


@pytest.mark.parametrize(("error", "outcome"), CASES, ids=describe)
def test_on_a_write_nothing_is_missing(error: Exception, outcome: Outcome) -> None:
    expected = FAILED if outcome is MISSING else outcome
    assert classify(error, writing=True) is expected


def test_faults_are_what_may_hide_a_file() -> None:
    assert {outcome for outcome in Outcome if outcome.is_fault} == {DENIED, UNREACHABLE, FAILED}


@pytest.mark.parametrize(
    ("number", "status"), [(99, None), (100, 100), (404, 404), (599, 599), (600, None)]
)
def test_a_number_that_is_no_http_status_is_not_taken_for_one(
    number: int, status: int | None
) -> None:
    assert http_status(with_attributes(code=number)) == status
