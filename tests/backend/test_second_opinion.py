"""A storage that does not say why it could not read is asked whether it has the file."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.db import OperationalError

from fallback_storage.errors import StorageUnavailable
from fallback_storage.resilience.breaker import State
from fallback_storage.storage import FallbackStorage, OverlayStorage

NAME = "d/a.txt"
READS: list[Callable[[Any], Any]] = [
    lambda storage: storage.open(NAME).read(),
    lambda storage: storage.size(NAME),
    lambda storage: storage.get_modified_time(NAME),
    lambda storage: storage.get_created_time(NAME),
    lambda storage: storage.get_accessed_time(NAME),
]


class Mute(InMemoryStorage):
    """Raises what says nothing for every file, whether it has that or not."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.asked: list[str] = []

    def exists(self, name: str) -> bool:
        if name == NAME:
            self.asked.append("exists")
        return super().exists(name)

    def _fail(self, name: str, *args: Any) -> Any:
        self.asked.append("read")
        if self.error is not None:
            raise type(self.error)(*self.error.args)  # An error gathers what it went through.
        return len(self.error)  # type: ignore[arg-type]

    _open = size = get_modified_time = get_created_time = get_accessed_time = _fail


def holding(*names: str) -> InMemoryStorage:
    storage = InMemoryStorage()
    for name in names:
        storage.save(name, ContentFile(b"content"))
    return storage


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("cls", [FallbackStorage, OverlayStorage])
@pytest.mark.parametrize("error", [None, OSError("x"), ValueError("x")])
@pytest.mark.parametrize("timeout", [None, 30])
def test_a_read_goes_on_where_the_storage_says_that_it_has_no_file(
    cls: Any, error: Exception | None, timeout: float | None, read: Callable[[Any], Any]
) -> None:
    first, second = Mute(error), holding(NAME)
    storage = cls(backends=[{"BACKEND": first, "NAME": "first", "TIMEOUT": timeout}, second])
    assert read(storage) == read(second)
    assert first.asked == ["read", "exists"]


@pytest.mark.parametrize("read", READS)
def test_where_nobody_has_the_file_it_is_missing(read: Callable[[Any], Any]) -> None:
    with pytest.raises(FileNotFoundError):
        read(FallbackStorage(backends=[Mute(), Mute()]))


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("answer", [True, None, OSError("down as well")])
def test_any_other_answer_leaves_it_an_outage(read: Callable[[Any], Any], answer: Any) -> None:
    class First(Mute):
        def exists(self, name: str) -> bool:
            if isinstance(answer, Exception):
                raise answer
            return answer  # type: ignore[no-any-return]

    storage = OverlayStorage(backends=[holding(), First()])
    with pytest.raises(StorageUnavailable):
        read(storage)


@pytest.mark.parametrize(
    "error",
    [
        *(ConnectionError("x"), TimeoutError("x"), OSError(errno.EIO, "x"), PermissionError("x")),
        OperationalError("the connection is closed"),
    ],
    ids=repr,
)
def test_a_storage_that_said_something_is_not_asked_again(error: Exception) -> None:
    first = Mute(error)
    with pytest.raises(type(error)):
        FallbackStorage(backends=[first]).size(NAME)
    assert first.asked == ["read"]


def test_a_time_limit_during_the_second_question_ends_everything() -> None:
    class First(Mute):
        def exists(self, name: str) -> bool:
            raise MemoryError

    with pytest.raises(MemoryError):
        FallbackStorage(backends=[First(), holding(NAME)]).size(NAME)


def test_both_questions_count_once_and_what_is_missing_is_no_fault() -> None:
    backend = {"BACKEND": Mute(ValueError("x")), "NAME": "first", "BREAKER": {"failures": 1}}
    storage = FallbackStorage(backends=[backend, holding(NAME)])
    assert storage.size(NAME) == 7
    guard = storage.backends[0].guard
    assert guard is not None
    assert (guard.calls, guard.faults) == (1, 0)
    assert storage.backends[0].breaker.state is State.CLOSED  # type: ignore[union-attr]


def test_a_file_that_is_there_but_cannot_be_read_is_a_fault() -> None:
    first = Mute(ValueError("x"))
    first.save(NAME, ContentFile(b"newer"))
    backend = {"BACKEND": first, "NAME": "first", "BREAKER": {"failures": 1}}
    storage = FallbackStorage(backends=[backend, holding(NAME)])
    assert storage.open(NAME).read() == b"content"
    assert storage.backends[0].breaker.state is State.OPEN  # type: ignore[union-attr]


def test_what_the_caller_was_handling_has_no_part_in_it() -> None:
    storage = FallbackStorage(backends=[Mute(OSError("x")), holding(NAME)])
    try:
        raise ConnectionError("The caller's.")
    except ConnectionError:
        assert storage.size(NAME) == 7


def test_what_is_inferred_lets_no_write_go_on() -> None:
    first, second = Mute(OSError("x")), holding(NAME)
    storage = OverlayStorage(backends=[first, second], promote=True)
    assert storage.open(NAME).read() == b"content"
    assert not first.exists(NAME), "It was promoted on a guess."
    with pytest.raises(StorageUnavailable):
        storage.open(NAME, "r+b")


def test_what_is_inferred_is_not_remembered() -> None:
    storage = FallbackStorage(backends=[Mute(OSError("x")), holding(NAME)], presence={})
    assert storage.size(NAME) == 7
    assert storage.presence is not None
    assert storage.presence.holder(NAME) is None


def test_an_inferred_missing_says_nothing_by_itself() -> None:
    backend = FallbackStorage(backends=[Mute(OSError("x"))]).backends[0]
    with pytest.raises(FileNotFoundError) as caught:
        backend.size(NAME)
    assert not backend.says_missing(caught.value)
    assert backend.infers_missing(caught.value)
    assert isinstance(caught.value.__cause__, OSError)
