"""What the log says of a failure and of an operation, and that no secret is in it."""

from __future__ import annotations

import logging
import pickle
import traceback

import pytest

from fallback_storage.errors import StorageUnavailable
from fallback_storage.signals import backend_failed, fallback_used
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage
from fallback_storage.testing.promises.material import put, read

from .operations import CALLS, heard

SECRET = "hush-hush"


@pytest.fixture
def second(second: FaultyStorage) -> FaultyStorage:
    """The second has a file."""
    put(second, "a.txt")
    return second


@pytest.mark.parametrize("operation", sorted({*CALLS} - {"path"}))
def test_a_backend_that_could_not_answer_is_a_warning(
    storage: FallbackStorage,
    first: FaultyStorage,
    caplog: pytest.LogCaptureFixture,
    operation: str,
) -> None:
    first.refusing()
    try:
        CALLS[operation](storage)
    except OSError:
        assert operation == "listdir"
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert {record.name for record in warnings} == {"fallback_storage"}
    assert {record.levelname for record in warnings} == {"WARNING"}
    texts = [record.getMessage() for record in warnings]
    words = ("disk", operation, "ConnectionRefusedError")
    assert any(all(word in text for word in words) for text in texts)


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("holder", ["disk", "cloud"])
def test_every_operation_is_a_debug_message(
    storage: FallbackStorage,
    first: FaultyStorage,
    caplog: pytest.LogCaptureFixture,
    operation: str,
    holder: str,
) -> None:
    if holder == "disk":
        put(first, "a.txt")
    with caplog.at_level(logging.DEBUG, "fallback_storage"):
        caplog.clear()
        CALLS[operation](storage)
    messages = [record.getMessage() for record in caplog.records if record.levelname == "DEBUG"]
    assert any(operation in message for message in messages)
    assert {record.levelname for record in caplog.records} == {"DEBUG"}


def test_absence_is_no_warning(storage: FallbackStorage, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(FileNotFoundError):
        storage.open("nowhere.txt")
    assert read(storage, "a.txt") == b"content"
    assert not storage.exists("nowhere.txt")
    assert caplog.records == []


# Secrets: a backend's own words can hold them.


class LoginError(Exception):
    """What a client says that logs in by a URL."""

    def __init__(self) -> None:
        super().__init__(f"530 ftp://user:{SECRET}@ftp.example.com: login incorrect")


@pytest.mark.parametrize("operation", CALLS)
def test_no_secret_reaches_log_signal_or_error(
    storage: FallbackStorage,
    first: FaultyStorage,
    second: FaultyStorage,
    caplog: pytest.LogCaptureFixture,
    operation: str,
) -> None:
    for backend in (first, second):
        backend.stage("*", error=LoginError)
    with (
        caplog.at_level(logging.DEBUG),
        heard(backend_failed) as failed,
        heard(fallback_used) as used,
        pytest.raises(StorageUnavailable) as caught,
    ):
        CALLS[operation](storage)
    error = caught.value
    alone = traceback.format_exception_only(error)
    told = [caplog.text, repr(failed), repr(used), str(error), repr(error), *alone]
    assert failed
    assert not any(SECRET in text for text in told)
    assert SECRET.encode() not in pickle.dumps(error)
    assert not any(record.exc_info for record in caplog.records)


def test_no_secret_is_in_the_note_or_the_explanation(
    storage: FallbackStorage, first: FaultyStorage
) -> None:
    first.stage("size", error=LoginError).stage("exists", error=LoginError)
    with pytest.raises(LoginError) as caught:
        storage.size("nowhere.txt")
    assert SECRET not in "".join(caught.value.__notes__)
    explanation = storage.explain("a.txt")
    assert SECRET not in f"{explanation} {explanation!r}"
