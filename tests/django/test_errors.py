"""What is raised where no backend gives a successful response."""

from __future__ import annotations

import copy
import errno
import pickle
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation

from fallback_storage.errors import StorageUnavailable
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage
from fallback_storage.testing.promises.material import put

from .operations import READS, WRITES, error_of


class QuotaError(Exception):
    """A client's own kind of error, which takes two arguments."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code_of_client = code


# One error.


@pytest.mark.parametrize("call", READS)
@pytest.mark.parametrize("down", [0, 1])
def test_a_single_error_is_raised_as_it_is_with_what_was_answered(
    storage: FallbackStorage, first: FaultyStorage, second: FaultyStorage, call: str, down: int
) -> None:
    mine = QuotaError(7, "over quota")  # The one error that FaultyStorage cannot copy.
    (first, second)[down].stage(call, error=mine)
    error = error_of(READS[call], storage)
    assert error is mine
    (note,) = error.__notes__
    assert f"{('disk', 'cloud')[down]} said unreachable" in note


def test_the_note_says_what_each_backend_answered(
    storage: FallbackStorage, second: FaultyStorage
) -> None:
    second.stage("size", error=PermissionError(errno.EACCES, "no"))
    (note,) = error_of(lambda: storage.size("a.txt")).__notes__
    assert "size('a.txt')" in note
    assert "disk said missing" in note
    assert "cloud said denied" in note


def test_an_error_raised_many_times_has_one_note(
    storage: FallbackStorage, first: FaultyStorage
) -> None:
    same = QuotaError(7, "over quota")
    first.stage("size", error=same)
    for _ in range(3):
        assert error_of(lambda: storage.size("a.txt")) is same
    assert len(same.__notes__) == 1


def test_a_single_error_of_a_write_is_raised_as_it_is(
    first: FaultyStorage, second: FaultyStorage
) -> None:
    first.stage("save", error=OSError(errno.ENOSPC, "full"))
    first.stage("delete", error=OSError(errno.EROFS, "read-only"))
    storage = FallbackStorage([first, {"BACKEND": second, "READ_ONLY": True}])
    for call, code in (("save", errno.ENOSPC), ("delete", errno.EROFS)):
        error = error_of(WRITES[call], storage)
        assert isinstance(error, OSError)
        assert error.errno == code
    assert second.mutations == []


# Several.


@pytest.mark.parametrize("call", READS | WRITES)
def test_several_errors_are_raised_together(
    storage: FallbackStorage, first: FaultyStorage, second: FaultyStorage, call: str
) -> None:
    first.stage(call, error=ConnectionRefusedError(errno.ECONNREFUSED, "refused"))
    second.stage(call, error=QuotaError(7, "over quota"))
    error = error_of((READS | WRITES)[call], storage)
    assert isinstance(error, StorageUnavailable)
    assert isinstance(error, OSError)
    assert error.operation == call
    assert error.name == {"listdir": "", "save": "new.txt"}.get(call, "a.txt")
    kinds = {name: type(failure) for name, failure in error.failures.items()}
    assert kinds == {"disk": ConnectionRefusedError, "cloud": QuotaError}
    assert isinstance(error.__cause__, ExceptionGroup)
    assert error.__cause__.exceptions == tuple(error.failures.values())


def test_several_errors_are_told_by_name_and_type(
    storage: FallbackStorage, first: FaultyStorage, second: FaultyStorage
) -> None:
    first.refusing()
    second.denied()
    text = str(error_of(lambda: storage.open("a.txt")))
    assert all(
        word in text
        for word in ("open", "a.txt", "disk", "ConnectionRefusedError", "cloud", "PermissionError")
    )


@pytest.mark.parametrize(
    "travel",
    [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))],  # noqa: S301
)
def test_an_error_travels_between_processes(
    storage: FallbackStorage, first: FaultyStorage, second: FaultyStorage, travel: Any
) -> None:
    first.refusing()
    second.denied()
    error = error_of(lambda: storage.open("a.txt"))
    travelled = travel(error)
    assert isinstance(error, StorageUnavailable)
    assert type(travelled) is StorageUnavailable
    assert str(travelled) == str(error)
    assert (travelled.operation, travelled.name) == ("open", "a.txt")
    assert [*travelled.failures] == ["disk", "cloud"]


# Where an error ends it.


@pytest.mark.parametrize("call", READS)
def test_with_raise_the_second_is_not_asked_after_an_error(
    first: FaultyStorage, second: FaultyStorage, call: str
) -> None:
    put(second, "a.txt")
    second.forget()
    first.stage(call, error=ConnectionRefusedError)
    storage = FallbackStorage([first, second], on_fault="raise")
    assert isinstance(error_of(READS[call], storage), ConnectionRefusedError)
    assert second.calls == []


@pytest.mark.parametrize("call", READS | WRITES)
@pytest.mark.parametrize("rejection", [SuspiciousFileOperation, TypeError, NameError])
def test_a_rejection_is_raised_at_once(
    storage: FallbackStorage,
    first: FaultyStorage,
    second: FaultyStorage,
    call: str,
    rejection: type[Exception],
) -> None:
    put(second.wrapped, "a.txt")
    first.stage(call, error=rejection)
    second.stage(call, error=AssertionError)
    assert type(error_of((READS | WRITES)[call], storage)) is rejection
    assert second.called(call) == []


# Absence.


@pytest.mark.parametrize("call", sorted({*READS} - {"exists", "listdir"}))
def test_a_file_that_all_say_is_missing_is_missing(storage: FallbackStorage, call: str) -> None:
    error = error_of(READS[call], storage)
    assert type(error) is FileNotFoundError
    assert (error.errno, error.filename) == (errno.ENOENT, "a.txt")


@pytest.mark.parametrize("fault", [ConnectionRefusedError, PermissionError, QuotaError(1, "x")])
@pytest.mark.parametrize("call", sorted({*READS} - {"listdir"}))
def test_a_file_that_one_does_not_know_of_is_not_missing(
    storage: FallbackStorage, second: FaultyStorage, call: str, fault: Any
) -> None:
    second.stage(call, error=fault)
    assert not isinstance(error_of(READS[call], storage), FileNotFoundError)


def test_a_write_that_failed_never_reads_as_absence(
    storage: FallbackStorage, first: FaultyStorage
) -> None:
    put(first.wrapped, "a.txt")
    lone = FallbackStorage([first])
    for name, call in WRITES.items():
        first.stage(name, error=FileNotFoundError(errno.ENOENT, "no such directory"))
        assert isinstance(error_of(call, lone), StorageUnavailable)
