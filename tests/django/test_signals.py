"""What receivers are told of a failure and of a fallback."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.dispatch import Signal

from fallback_storage.signals import backend_failed, fallback_used
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage
from fallback_storage.testing.promises.material import put, read

from .operations import CALLS, heard


@pytest.fixture
def second(second: FaultyStorage) -> FaultyStorage:
    """The second has a file."""
    put(second, "a.txt")
    return second


@contextmanager
def breaking(signal: Signal) -> Iterator[None]:
    """A receiver that raises."""

    def receive(**payload: Any) -> None:
        raise RuntimeError("a receiver of no use")

    signal.connect(receive)
    try:
        yield
    finally:
        signal.disconnect(receive)


def test_a_failure_is_told(storage: FallbackStorage, first: FaultyStorage) -> None:
    first.stage("size", error=ConnectionRefusedError)
    with heard(backend_failed) as told:
        storage.size("a.txt")
    (payload,) = told
    assert payload.pop("signal") is backend_failed
    assert payload == {
        "sender": FallbackStorage,
        "storage": storage,
        "backend": "disk",
        "operation": "size",
        "name": "a.txt",
        "outcome": "unreachable",
        "error_type": "ConnectionRefusedError",
    }


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TimeoutError, "unreachable"),
        (PermissionError, "denied"),
        (OSError(errno.EIO, "disk"), "failed"),
        (ValueError, "unreachable"),
    ],
)
def test_a_failure_is_told_with_its_outcome(
    storage: FallbackStorage, first: FaultyStorage, error: Any, outcome: str
) -> None:
    first.stage("open", error=error)
    with heard(backend_failed) as told:
        read(storage, "a.txt")
    assert [payload["outcome"] for payload in told] == [outcome]


@pytest.mark.parametrize("error", [FileNotFoundError, NotImplementedError])
def test_what_is_no_failure_is_not_told_as_one(
    storage: FallbackStorage, first: FaultyStorage, error: type[Exception]
) -> None:
    first.stage("size", error=error)
    with heard(backend_failed) as told:
        storage.size("a.txt")
    assert told == []


@pytest.mark.parametrize(
    ("error", "passed"),
    [(None, "missing"), (TimeoutError, "unreachable"), (NotImplementedError, "unsupported")],
)
@pytest.mark.parametrize("operation", ["open", "size", "exists", "url", "get_modified_time"])
def test_a_fallback_is_told_with_what_was_passed_over(
    storage: FallbackStorage,
    first: FaultyStorage,
    operation: str,
    error: type[Exception] | None,
    passed: str,
) -> None:
    if error is not None:
        first.stage("exists" if operation == "url" else operation, error=error)
    with heard(fallback_used) as told:
        CALLS[operation](storage)
    (payload,) = told
    assert payload.pop("signal") is fallback_used
    assert payload == {
        "sender": FallbackStorage,
        "storage": storage,
        "backend": "cloud",
        "operation": operation,
        "name": "a.txt",
        "passed": {"disk": passed},
    }


def test_a_save_that_failed_over_is_told(storage: FallbackStorage, first: FaultyStorage) -> None:
    first.stage("save", error=OSError(errno.ENOSPC, "full"))
    with heard(backend_failed) as failed, heard(fallback_used) as used:
        stored = put(storage, "b.txt")
    assert [(p["backend"], p["operation"], p["name"], p["outcome"]) for p in failed] == [
        ("disk", "save", "b.txt", "failed")
    ]
    assert [(p["backend"], p["operation"], p["name"], p["passed"]) for p in used] == [
        ("cloud", "save", stored, {"disk": "failed"})
    ]


@pytest.mark.parametrize("operation", CALLS)
def test_where_the_first_serves_no_fallback_is_told(
    storage: FallbackStorage, first: FaultyStorage, operation: str
) -> None:
    put(first, "a.txt")
    with heard(fallback_used) as used, heard(backend_failed) as failed:
        CALLS[operation](storage)
    assert used == failed == []


def test_a_receiver_that_raises_breaks_nothing(
    storage: FallbackStorage, first: FaultyStorage
) -> None:
    first.refusing()
    with breaking(backend_failed), breaking(fallback_used), heard(fallback_used) as told:
        assert read(storage, "a.txt") == b"content"
    assert len(told) == 1
