"""Absence is not outage, and nothing else is either."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable
from http.client import IncompleteRead
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)
from django.core.exceptions import (
    ImproperlyConfigured,
    ObjectDoesNotExist,
    SuspiciousFileOperation,
)

from fallback_storage.backend.adapters import Adapter
from fallback_storage.backend.layers import SecondOpinion
from fallback_storage.errors import NameChangedError, StorageUnavailable, UnsupportedOperation
from fallback_storage.outcomes import Outcome, classify, says_nothing
from fallback_storage.statuses import http_status

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


class Unreadable(Exception):
    """Of a client that has its answer no more."""

    @property
    def response(self) -> object:
        raise RuntimeError("closed")


def raised_by(call: Callable[[], object]) -> Exception:
    with pytest.raises(TypeError) as caught:
        call()
    return caught.value


absent: Any = None


class Psycopg(Exception):
    """Stands for what a database driver raises."""


Psycopg.__name__ = "DatabaseError"

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
    (with_attributes(response=SimpleNamespace(status=404)), MISSING),
    (with_attributes(status=404), MISSING),
    (with_attributes(http_status=404), MISSING),
    (ObjectDoesNotExist("No row of that name"), MISSING),
    (with_attributes(status_code=404, error_code="BlobNotFound"), MISSING),
    (caused(Exception("wrapped"), FileNotFoundError("x")), MISSING),
    (caused(OSError("wrapped"), client_error(404)), MISSING),
    (caused(ValueError("wrapped"), with_attributes(status_code=410)), MISSING),
    # The place is missing, not the file.
    (client_error(404, "NoSuchBucket"), FAILED),
    (with_attributes(status_code=404, error_code="ContainerNotFound"), FAILED),
    (with_attributes(http_status=404, code="NoSuchKey"), MISSING),
    (with_attributes(http_status=404, code="NoSuchBucket"), FAILED),
    (with_attributes(http_status=400, code="RequestTimeout"), UNREACHABLE),
    # Said by the server, of this request.
    *((client_error(status), FAILED) for status in (301, 400, 405, 409, 412, 414, 416, 451)),
    (with_attributes(status=400), FAILED),
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
    (client_error(400, "RequestTimeout"), UNREACHABLE),
    (client_error(200, "SlowDown"), UNREACHABLE),
    (client_error(408), UNREACHABLE),
    (client_error(425), UNREACHABLE),
    (with_attributes(status_code=True), UNREACHABLE),
    (with_attributes(status_code="404"), UNREACHABLE),
    (with_attributes(code=4), UNREACHABLE),
    (Unreadable("a property that raises"), UNREACHABLE),
    (raised_by(lambda: len(absent)), UNREACHABLE),
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


SAYS_NOTHING = [
    *(ValueError("x"), KeyError("x"), OSError("no number"), RuntimeError("x")),
    raised_by(lambda: len(absent)),
    in_context_of(OSError("while a 404 was handled"), client_error(404)),
    in_context_of(OSError("x"), FileNotFoundError("x")),
    in_context_of(ValueError("x"), NotImplementedError()),
    caused(ValueError("x"), KeyError("x")),
]
TELLS = [
    *(error for error, outcome in CASES if outcome is not UNREACHABLE),
    *(ConnectionError("x"), TimeoutError("x"), StorageUnavailable("nested"), client_error(500)),
    *(
        wrapped(ValueError("x"), inner)
        for wrapped in (caused, in_context_of)
        for inner in (
            *(ConnectionError("x"), TimeoutError("x"), ssl.SSLError("x"), EOFError("x")),
            *(client_error(500), client_error(403), client_error(400), OSError(errno.EIO, "x")),
            *(TimeLimit(), ConnectTimeoutError(endpoint_url="http://x"), PermissionError("x")),
            *(IncompleteRead(b""), Psycopg("x"), MemoryError(), StorageUnavailable("nested")),
        )
    ),
    caused(
        ValueError("x"), in_context_of(KeyError("x"), in_context_of(OSError(), TimeoutError()))
    ),
    caused(ValueError("x"), KeyboardInterrupt()),
    Psycopg("gone away"),
]


@pytest.mark.parametrize("error", SAYS_NOTHING, ids=describe)
def test_an_error_can_say_nothing(error: Exception) -> None:
    assert classify(error) is UNREACHABLE
    assert says_nothing(error)


@pytest.mark.parametrize("error", TELLS, ids=describe)
def test_a_network_a_database_or_a_status_anywhere_in_the_chain_says_something(
    error: Exception,
) -> None:
    assert not says_nothing(error)


def test_a_circle_of_errors_ends() -> None:
    first, second = ValueError("x"), KeyError("x")
    first.__cause__, second.__cause__ = second, first
    assert says_nothing(first)


def test_a_call_with_wrong_arguments_is_rejected_and_a_mistake_in_a_storage_is_not() -> None:
    class Takes:
        def exists(self, name: str) -> bool:
            return True

        def size(self, name: str, extra: Any) -> int:
            return len(extra)

    storage = Takes()
    adapter = Adapter(storage)
    with pytest.raises(TypeError) as caught:
        SecondOpinion(adapter).call(storage.size, "a.txt")
    assert classify(caught.value) is REJECTED
    with pytest.raises(TypeError) as caught:
        SecondOpinion(adapter).call(storage.size, "a.txt", None)
    assert classify(caught.value) is UNREACHABLE
