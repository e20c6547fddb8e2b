"""FaultyStorage: the storage it wraps, but for the faults staged, and a record of every call."""

from __future__ import annotations

import copy
import errno
import inspect
import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage

from fallback_storage.testing import Call, FaultyStorage, RemoteFaultyStorage
from fallback_storage.testing.promises.material import BrokenContent, ContentBrokeError, stream

PUBLIC = sorted(name for name in vars(Storage) if not name.startswith("_"))


@pytest.fixture
def memory() -> InMemoryStorage:
    storage = InMemoryStorage()
    storage.save("here.txt", ContentFile(b"0123456789"))
    return storage


def no_sleep(seconds: float) -> None:
    pytest.fail(f"slept for {seconds} s")


@pytest.fixture
def faulty(memory: InMemoryStorage) -> FaultyStorage:
    return FaultyStorage(memory, sleep=no_sleep)


def content(of: Storage, name: str = "here.txt") -> Any:
    with of.open(name) as file:
        return file.read()


def error_of(ask: Callable[..., Any], *args: Any) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the caller looks at it
        ask(*args)
    return caught.value


# With nothing staged.


@pytest.mark.parametrize("method", [*PUBLIC, "_save"])
def test_every_method_of_a_storage_is_intercepted(faulty: FaultyStorage, method: str) -> None:
    faulty.stage(method, error=OSError)
    with pytest.raises(OSError, match=r"^$"):
        getattr(faulty, method)("name", "content")
    assert [call.method for call in faulty.calls] == [method]


def test_a_method_keeps_its_signature(faulty: FaultyStorage, memory: InMemoryStorage) -> None:
    assert inspect.signature(faulty.listdir) == inspect.signature(memory.listdir)
    assert faulty.save.__doc__ == memory.save.__doc__


def test_what_the_wrapped_storage_does_not_implement_is_not_implemented() -> None:
    faulty = FaultyStorage(Storage())
    assert isinstance(error_of(faulty.get_created_time, "x"), NotImplementedError)
    assert isinstance(error_of(faulty.path, "x"), NotImplementedError)


def test_what_the_wrapped_storage_lacks_is_lacking() -> None:
    faulty = FaultyStorage(Storage())
    assert not hasattr(faulty, "_open")
    assert hasattr(faulty, "is_name_available") is hasattr(Storage, "is_name_available")
    with pytest.raises(AttributeError, match=r"'Storage' object has no attribute '_save'"):
        faulty._save("x", ContentFile(b""))


def test_other_attributes_are_the_wrapped_storages(faulty: FaultyStorage) -> None:
    faulty.wrapped.file_overwrite = True  # type: ignore[attr-defined]
    assert faulty.file_overwrite is True
    assert not hasattr(faulty, "location_of_nothing")


def test_it_can_be_copied(faulty: FaultyStorage) -> None:
    assert copy.copy(faulty).wrapped is faulty.wrapped


def test_its_repr_tells_the_class_it_wraps_and_no_more() -> None:
    storage = FileSystemStorage(location="secret", base_url="secret")
    assert repr(FaultyStorage(storage)) == "<FaultyStorage over FileSystemStorage>"
    assert repr(RemoteFaultyStorage(storage)) == "<RemoteFaultyStorage over FileSystemStorage>"


def test_only_the_remote_one_does_not_override_path(memory: InMemoryStorage) -> None:
    assert FaultyStorage.path is not Storage.path
    assert RemoteFaultyStorage.path is Storage.path
    assert FaultyStorage(memory).path("x") == memory.path("x")
    assert isinstance(error_of(RemoteFaultyStorage(memory).path, "x"), NotImplementedError)


# The record.


def test_calls_are_recorded_in_order_as_they_were_made(faulty: FaultyStorage) -> None:
    text = ContentFile(b"new")
    faulty.exists("here.txt")
    faulty.save("new.txt", text, max_length=20)
    faulty.listdir(path="")
    assert faulty.calls == [
        Call("exists", "here.txt", ("here.txt",), {}),
        Call("save", "new.txt", ("new.txt", text), {"max_length": 20}),
        Call("listdir", "", (), {"path": ""}),
    ]


def test_a_call_that_fails_is_recorded(faulty: FaultyStorage) -> None:
    faulty.stage("size", error=OSError)
    error_of(faulty.size, "here.txt")
    assert faulty.called("size", "here.txt")


def test_a_save_without_a_name_is_about_the_contents_name(faulty: FaultyStorage) -> None:
    faulty.save(None, ContentFile(b"", "named.txt"))
    error_of(faulty.save, None, ContentFile(b""))
    error_of(faulty.delete, None)
    assert [call.name for call in faulty.calls] == ["named.txt", "", ""]


def test_open_and_save_stand_for_their_private_halves(faulty: FaultyStorage) -> None:
    faulty._open("here.txt")
    faulty.open("here.txt")
    assert [call.method for call in faulty.called("open")] == ["_open", "open"]
    assert [call.method for call in faulty.called("_open")] == ["_open"]
    assert len(faulty.called()) == 2
    assert not faulty.called("open", "other.txt")


def test_mutations_are_the_calls_meant_to_change_something(faulty: FaultyStorage) -> None:
    for mode in ("rb", "r", "wb", "ab", "r+b"):
        faulty.open("here.txt", mode)
    faulty.open(name="here.txt", mode="w")
    faulty.save("a.txt", ContentFile(b""))
    faulty._save("b.txt", ContentFile(b""))
    faulty.exists("wax+")
    faulty.delete("a.txt")
    modes = [call.mode for call in faulty.mutations if call.method == "open"]
    assert modes == ["wb", "ab", "r+b", "w"]
    assert [call.method for call in faulty.mutations[4:]] == ["save", "_save", "delete"]


def test_calls_can_be_forgotten(faulty: FaultyStorage) -> None:
    faulty.stage("size", error=OSError).exists("here.txt")
    assert faulty.forget().calls == []
    error_of(faulty.size, "here.txt")


def test_the_record_of_many_threads_is_whole(faulty: FaultyStorage) -> None:
    faulty.stage("exists", error=OSError, times=50)
    with ThreadPoolExecutor(16) as threads:
        asked = [threads.submit(faulty.exists, str(n)) for n in range(200)]
    assert sum(a.exception() is not None for a in asked) == 50
    assert {call.name for call in faulty.calls} == {str(n) for n in range(200)}


# Which calls a stage meets.


def test_a_stage_for_a_name_leaves_others_alone(faulty: FaultyStorage) -> None:
    faulty.stage("exists", name="broken.txt", error=OSError)
    faulty.stage("exists", name=lambda name: name.startswith("bad/"), error=ValueError)
    assert isinstance(error_of(faulty.exists, "broken.txt"), OSError)
    assert isinstance(error_of(faulty.exists, "bad/x.txt"), ValueError)
    assert faulty.exists("here.txt")


def test_a_stage_plays_as_often_as_it_says(faulty: FaultyStorage) -> None:
    faulty.stage("size", error=OSError, times=2).stage("size", error=ValueError, times=1)
    errors = [type(error_of(faulty.size, "here.txt")) for _ in range(3)]
    assert errors == [OSError, OSError, ValueError]
    assert faulty.size("here.txt") == 10


def test_a_stage_for_any_method_meets_every_method(faulty: FaultyStorage) -> None:
    faulty.stage("*", error=OSError)
    for method in (faulty.exists, faulty.url, faulty.get_valid_name):
        assert type(error_of(method, "here.txt")) is OSError


def test_healing_removes_every_stage(faulty: FaultyStorage) -> None:
    faulty.refusing().stage("url", error=OSError).heal()
    assert faulty.exists("here.txt")
    assert faulty.url("here.txt")


@pytest.mark.parametrize(
    ("method", "fault", "reason"),
    [
        ("rename", {"error": OSError}, "FaultyStorage intercepts no method 'rename'."),
        ("wrapped", {"error": OSError}, "FaultyStorage intercepts no method 'wrapped'."),
        ("exists", {}, "Nothing is staged for 'exists'."),
        ("exists", {"lazy": True}, "Only open can be lazy, not 'exists'."),
        ("delete", {"partial": 3}, "Only save stores something, not 'delete'."),
        ("*", {"stored_as": "x"}, "Only save stores something, not '*'."),
    ],
)
def test_what_could_never_happen_is_refused(
    faulty: FaultyStorage, method: str, fault: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        faulty.stage(method, **fault)
    assert str(caught.value) == reason


# Errors.


def test_an_error_staged_is_raised_afresh_each_time(faulty: FaultyStorage) -> None:
    error = OSError(errno.ENOSPC, "full")
    error.__cause__ = FileNotFoundError()
    faulty.stage("exists", error=error)
    first, second = (error_of(faulty.exists, "x") for _ in range(2))
    assert first is not error
    assert first is not second
    assert isinstance(first, OSError)
    assert first.errno == errno.ENOSPC
    assert first.__cause__ is error.__cause__
    assert first.__suppress_context__


def test_an_error_may_be_a_class_or_made_by_a_callable(faulty: FaultyStorage) -> None:
    faulty.stage("exists", error=TimeoutError).stage("size", error=lambda: OSError("made"))
    assert type(error_of(faulty.exists, "x")) is TimeoutError
    assert str(error_of(faulty.size, "x")) == "made"


class StubbornError(Exception):
    """Cannot be copied: it keeps fewer arguments than it takes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")


def test_an_error_that_cannot_be_copied_is_raised_itself(faulty: FaultyStorage) -> None:
    error = StubbornError(503, "busy")
    faulty.stage("exists", error=error)
    assert error_of(faulty.exists, "x") is error


# Delays.


def test_a_delay_in_seconds_is_left_to_the_given_sleep(memory: InMemoryStorage) -> None:
    slept: list[float] = []
    faulty = FaultyStorage(memory, sleep=slept.append).stage("size", delay=2.5)
    assert faulty.size("here.txt") == 10
    assert slept == [2.5]


def test_a_call_hangs_until_the_test_lets_go(faulty: FaultyStorage) -> None:
    reached, let_go = threading.Event(), threading.Event()

    def hang() -> None:
        reached.set()
        let_go.wait(60)

    faulty.stage("exists", delay=hang)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(faulty.exists, "here.txt")
        assert reached.wait(60)
        assert not asked.done()
        let_go.set()
        assert asked.result(60)


# Lazy opening.


@pytest.mark.parametrize(
    "touch",
    [
        lambda file: file.read(),
        lambda file: file.size,
        lambda file: file.seekable(),
        lambda file: file.closed,
        lambda file: list(file),
    ],
)
def test_a_lazy_open_fails_at_the_first_touch(
    faulty: FaultyStorage, touch: Callable[[Any], Any]
) -> None:
    faulty.stage("open", lazy=True, error=ConnectionResetError)
    with faulty.open("here.txt") as file:
        assert type(error_of(touch, file)) is ConnectionResetError
        assert type(error_of(touch, file)) is ConnectionResetError


def test_a_lazy_open_asks_the_wrapped_storage_once_at_the_first_touch(
    memory: InMemoryStorage,
) -> None:
    inner = FaultyStorage(memory)
    with FaultyStorage(inner).stage("open", lazy=True).open("here.txt", "rb") as file:
        assert (file.name, file.mode, inner.calls) == ("here.txt", "rb", [])
        assert file.read(4) + file.read() == b"0123456789"
    assert len(inner.called("open")) == 1


def test_a_lazily_opened_file_that_nobody_touched_is_closed_unopened(
    faulty: FaultyStorage,
) -> None:
    faulty.stage("open", lazy=True, error=ConnectionResetError)
    with faulty.open("here.txt") as file:
        pass
    assert file.closed


def test_a_lazy_open_of_a_missing_file_misses_it_at_the_first_read(faulty: FaultyStorage) -> None:
    file = faulty.stage("_open", lazy=True)._open("missing.txt")
    assert isinstance(error_of(lambda: file.read()), FileNotFoundError)


# Half-written and misnamed files.


@pytest.mark.parametrize("method", ["save", "_save"])
def test_a_partial_save_leaves_the_first_bytes_under_the_name(
    faulty: FaultyStorage, method: str
) -> None:
    faulty.stage("save", partial=4)
    read_before = ContentFile(b"whole content")
    read_before.read()
    assert isinstance(error_of(getattr(faulty, method), "new.txt", read_before), OSError)
    assert content(faulty, "new.txt") == b"whol"


def test_a_partial_save_fails_with_the_error_staged(faulty: FaultyStorage) -> None:
    faulty.stage("save", partial=0, error=OSError(errno.EIO, "disk"))
    assert error_of(faulty.save, "new.txt", ContentFile(b"x")).args == (errno.EIO, "disk")
    assert faulty.size("new.txt") == 0


def test_a_partial_save_takes_its_bytes_from_what_cannot_seek(faulty: FaultyStorage) -> None:
    faulty.stage("save", partial=4)
    with stream(b"whole content") as pipe:
        error_of(faulty.save, "new.txt", pipe)
        assert pipe.read() == b"e content"
    assert content(faulty, "new.txt") == b"whol"


class Trickle(io.BytesIO):
    """Gives a byte at a time, however many are asked for."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1)


def test_a_partial_save_takes_its_bytes_from_what_gives_few_at_a_time(
    faulty: FaultyStorage,
) -> None:
    faulty.stage("save", partial=4)
    error_of(faulty.save, "new.txt", Trickle(b"whole content"))
    assert content(faulty, "new.txt") == b"whol"


def test_content_that_breaks_before_that_raises_its_own_error(faulty: FaultyStorage) -> None:
    faulty.stage("save", partial=2000)
    assert isinstance(error_of(faulty.save, "new.txt", BrokenContent()), ContentBrokeError)
    assert not faulty.exists("new.txt")


def test_a_partial_save_of_short_content_stores_all_there_is(faulty: FaultyStorage) -> None:
    faulty.stage("save", partial=2000)
    error_of(faulty.save, "new.txt", ContentFile(b"short"))
    assert content(faulty, "new.txt") == b"short"


@pytest.mark.parametrize("method", ["save", "_save"])
def test_a_save_may_store_under_another_name(faulty: FaultyStorage, method: str) -> None:
    faulty.stage("save", stored_as="other.txt", times=1)
    assert getattr(faulty, method)(name="new.txt", content=ContentFile(b"new")) == "other.txt"
    assert content(faulty, "other.txt") == b"new"
    assert not faulty.exists("new.txt")


def test_a_partial_save_may_leave_its_bytes_under_another_name(faulty: FaultyStorage) -> None:
    faulty.stage("save", partial=2, stored_as="new.part")
    error_of(faulty.save, "new.txt", ContentFile(b"new"))
    assert content(faulty, "new.part") == b"ne"


# A whole outage.

NEEDS_NO_BACKEND = {
    *("url", "path", "get_valid_name", "get_alternative_name", "generate_filename")
}
ARGUMENTS = {"save": ("x", ContentFile(b"")), "get_alternative_name": ("x", ".txt")}


def failing(faulty: FaultyStorage, error: type[Exception]) -> set[str]:
    """The public methods that raise this error."""
    failed = set()
    for method in PUBLIC:
        try:
            getattr(faulty, method)(*ARGUMENTS.get(method, ("here.txt",)))
        except error:
            failed.add(method)
    return failed


def test_a_refusing_storage_refuses_all_that_needs_the_backend(faulty: FaultyStorage) -> None:
    assert failing(faulty.refusing(), ConnectionRefusedError) == {*PUBLIC} - NEEDS_NO_BACKEND


def test_a_denied_storage_denies_all_that_needs_the_backend(faulty: FaultyStorage) -> None:
    assert failing(faulty.denied(), PermissionError) == {*PUBLIC} - NEEDS_NO_BACKEND


def test_a_hanging_storage_waits_before_it_times_out(faulty: FaultyStorage) -> None:
    waits: list[str] = []
    faulty.hanging(lambda: waits.append("waited"))
    needy = {*PUBLIC} - NEEDS_NO_BACKEND
    assert failing(faulty, TimeoutError) == needy
    assert len(waits) == len(needy)


def test_an_outage_may_reach_what_else_is_named(faulty: FaultyStorage) -> None:
    faulty.refusing(also=["url"])
    assert isinstance(error_of(faulty.url, "here.txt"), ConnectionRefusedError)
    assert faulty.path("here.txt")


def test_what_a_storage_cannot_do_it_cannot_do_in_an_outage_either() -> None:
    faulty = FaultyStorage(Storage()).refusing()
    assert isinstance(error_of(faulty.size, "x"), NotImplementedError)
    assert isinstance(error_of(faulty.open, "x"), ConnectionRefusedError)
