"""Which backend holds a name is remembered: for URLs, never for a write, never for too long."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.test import override_settings

from fallback_storage.combined.presence import LAST_OR_NOWHERE, NOWHERE, Presence, _Recent
from fallback_storage.conf import PresenceOptions
from fallback_storage.storage import FallbackStorage, OverlayStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage

PRESENCE = {"cache": "presence", "found": 3600, "missing": 60}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
    "presence": {"BACKEND": f"{__name__}.CountingCache"},
    "broken": {"BACKEND": f"{__name__}.BrokenCache"},
}


class CountingCache(LocMemCache):
    """Counts its round trips."""

    trips = 0

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(name or __name__, params)

    def get_many(self, keys: Any, version: Any = None) -> dict[Any, Any]:
        self.trips += 1
        return super().get_many(keys, version)


class SoftTimeLimitExceeded(Exception):
    """As Celery's."""

    __module__ = "billiard.exceptions"


class BrokenCache(BaseCache):
    """A cache whose server is down."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("redis://user:swordfish@cache")

    set = add = delete = get_many = set_many = get


@pytest.fixture(autouse=True)
def _caches() -> Iterator[None]:
    with override_settings(CACHES=CACHES):
        yield
        caches["presence"].clear()


def remote(name: str, *files: str) -> RemoteFaultyStorage:
    storage = InMemoryStorage(base_url=f"https://{name}.example/")
    for file in files:
        storage.save(file, ContentFile(name.encode()))
    return RemoteFaultyStorage(storage)


@pytest.fixture
def first() -> RemoteFaultyStorage:
    return remote("first", "in first.txt", "in both.txt")


@pytest.fixture
def second() -> RemoteFaultyStorage:
    return remote("second", "in second.txt", "in both.txt")


@pytest.fixture
def storage(first: Storage, second: Storage) -> FallbackStorage:
    return of(first, second)


def of(
    *storages: Storage, threads: Mapping[str, int] | None = None, **options: Any
) -> FallbackStorage:
    pairs = zip(storages, ("first", "second"), strict=True)
    backends = [{"BACKEND": s, "NAME": n, **(threads or {})} for s, n in pairs]
    return FallbackStorage(backends=backends, **{"presence": PRESENCE} | options)


def questions(*storages: RemoteFaultyStorage) -> int:
    asked = {"exists", "open", "_open", "size", "get_modified_time"}
    return sum(call.method in asked for storage in storages for call in storage.calls)


@pytest.mark.parametrize("name", ["in first.txt", "in second.txt", "in both.txt", "nowhere.txt"])
def test_the_url_of_a_known_name_costs_nothing(
    storage: FallbackStorage, first: RemoteFaultyStorage, second: RemoteFaultyStorage, name: str
) -> None:
    url = storage.url(name)
    assert questions(first, second) == 1
    assert storage.url(name) == url
    assert questions(first, second) == 1


@pytest.mark.parametrize(
    ("name", "holder"),
    [("in first.txt", "first"), ("in second.txt", "second"), ("nowhere.txt", None)],
)
def test_a_located_name_is_known_to_urls_as_well(
    storage: FallbackStorage,
    first: RemoteFaultyStorage,
    second: RemoteFaultyStorage,
    name: str,
    holder: str | None,
) -> None:
    assert storage.locate(name) == holder
    asked = questions(first, second)
    assert storage.locate(name) == holder
    assert storage.url(name) == f"https://{holder or 'second'}.example/{name.replace(' ', '%20')}"
    assert questions(first, second) == asked


@pytest.mark.parametrize(
    "operation",
    [
        *("exists", "open", "path", "size"),
        *("get_accessed_time", "get_created_time", "get_modified_time"),
    ],
)
def test_whatever_found_the_file_its_holder_is_known(operation: str, tmp_path: Path) -> None:
    first, second = (FaultyStorage(FileSystemStorage(tmp_path / n)) for n in ("first", "second"))
    second.save("a.txt", ContentFile(b"a"))
    storage = of(first, second)
    answer = getattr(storage, operation)("a.txt")
    if operation == "open":
        answer.close()
    asked = len(first.calls + second.calls)
    assert storage.locate("a.txt") == "second"
    assert len(first.calls + second.calls) == asked


def test_what_was_read_for_nothing_is_known_to_be_nowhere(
    storage: FallbackStorage, first: RemoteFaultyStorage, second: RemoteFaultyStorage
) -> None:
    with pytest.raises(FileNotFoundError):
        storage.size("nowhere.txt")
    asked = questions(first, second)
    assert storage.locate("nowhere.txt") is None
    assert questions(first, second) == asked


def test_that_a_file_cannot_be_listed_does_not_mean_that_it_is_nowhere(tmp_path: Path) -> None:
    storages = [FileSystemStorage(tmp_path / name) for name in ("first", "second")]
    storages[1].save("a.txt", ContentFile(b"a"))
    storage = of(*storages)
    with pytest.raises(FileNotFoundError):
        storage.listdir("a.txt")
    assert storage.locate("a.txt") == "second"


def test_that_the_last_was_not_asked_does_not_mean_that_it_has_the_file(
    storage: FallbackStorage,
) -> None:
    storage.url("nowhere.txt")
    assert storage.locate("nowhere.txt") is None
    storage.url("in second.txt")
    assert storage.locate("in second.txt") == "second"
    assert storage.locate("in second.txt") == "second"


def test_what_is_saved_is_known_at_once(
    storage: FallbackStorage, first: RemoteFaultyStorage, second: RemoteFaultyStorage
) -> None:
    assert storage.locate("new.txt") is None
    storage.save("new.txt", ContentFile(b"new"))
    asked = questions(first, second)
    assert storage.locate("new.txt") == "first"
    assert storage.url("new.txt") == "https://first.example/new.txt"
    assert questions(first, second) == asked


def test_what_is_deleted_is_asked_for_again(storage: FallbackStorage) -> None:
    assert storage.locate("in both.txt") == "first"
    storage.delete("in both.txt")
    assert storage.locate("in both.txt") == "second"


def test_what_was_asked_before_a_change_is_not_remembered_after_it(
    storage: FallbackStorage,
) -> None:
    assert storage.backends
    presence = storage.presence
    assert presence is not None
    begun = presence.now()
    for noticed in ("first", "second", NOWHERE, LAST_OR_NOWHERE):
        presence.changed("a.txt")
        presence.noticed("a.txt", noticed, begun)
        assert presence.holder("a.txt") is None
    presence.stored("a.txt", "second")
    presence.noticed("a.txt", LAST_OR_NOWHERE, begun)
    assert presence.holder("a.txt") == "second"
    presence.noticed("a.txt", "first", begun)
    assert presence.holder("a.txt") is None


def test_what_took_so_long_to_find_out_that_a_change_is_forgotten_is_not_remembered(
    storage: FallbackStorage,
) -> None:
    """The mark of a change in the cache may have expired since."""
    assert storage.backends
    presence = storage.presence
    assert presence is not None
    presence.noticed("a.txt", "first", presence.now() - 12)
    assert presence.holder("a.txt") is None
    presence.noticed("a.txt", "first", presence.now())
    assert presence.holder("a.txt") == "first"


@pytest.mark.parametrize("ask", ["open", "size", "exists", "get_modified_time"])
def test_the_first_read_that_finds_otherwise_puts_it_right(
    storage: FallbackStorage,
    first: RemoteFaultyStorage,
    second: RemoteFaultyStorage,
    ask: str,
) -> None:
    assert storage.locate("in both.txt") == "first"
    first.wrapped.delete("in both.txt")  # Behind its back.
    assert storage.locate("in both.txt") == "first"
    getattr(storage, ask)("in both.txt")
    assert storage.locate("in both.txt") == "second"


@pytest.mark.parametrize("ask", ["open", "size"])
def test_a_read_that_finds_nothing_puts_it_right(
    storage: FallbackStorage, first: RemoteFaultyStorage, ask: str
) -> None:
    assert storage.locate("in first.txt") == "first"
    first.wrapped.delete("in first.txt")
    with pytest.raises(FileNotFoundError):
        getattr(storage, ask)("in first.txt")
    assert storage.locate("in first.txt") is None


@pytest.mark.parametrize("method", ["url", "locate"])
def test_a_task_s_time_limit_is_no_error_of_the_cache(
    storage: FallbackStorage, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def limited(*args: Any) -> Any:
        raise SoftTimeLimitExceeded

    assert storage.locate("in first.txt") == "first"
    for cache in (caches["presence"],):
        monkeypatch.setattr(cache, "get", limited)
        monkeypatch.setattr(cache, "get_many", limited)
    with pytest.raises(SoftTimeLimitExceeded):
        getattr(storage, method)("in second.txt")


def test_a_name_that_a_backend_refuses_is_refused(
    storage: FallbackStorage, first: RemoteFaultyStorage
) -> None:
    assert storage.locate("in first.txt") == "first"
    first.stage("url", error=SuspiciousFileOperation("No such name here"))
    with pytest.raises(SuspiciousFileOperation):
        storage.url("in first.txt")


def test_a_page_that_shows_url_and_size_asks_once_for_the_url(
    storage: FallbackStorage, first: RemoteFaultyStorage, second: RemoteFaultyStorage
) -> None:
    for _ in range(2):
        storage.url("in second.txt")
        storage.size("in second.txt")
    first.forget()
    storage.url("in second.txt")
    assert first.called("exists") == []


def test_another_spelling_of_a_name_does_not_outlast_a_change(storage: FallbackStorage) -> None:
    for _ in range(2):
        assert storage.url("./in both.txt") == "https://first.example/in%20both.txt"
    storage.delete("in both.txt")
    assert storage.url("./in both.txt") == "https://second.example/in%20both.txt"


def test_a_name_is_cleaned_as_the_first_backend_cleans_it(
    storage: FallbackStorage, second: RemoteFaultyStorage
) -> None:
    assert storage.locate("in second.txt") == "second"
    assert storage.get_valid_name("in second.txt") == "in_second.txt"
    assert second.called("get_valid_name") == []


def test_a_file_is_changed_in_the_first_backend_that_has_it(
    storage: FallbackStorage, first: RemoteFaultyStorage, second: RemoteFaultyStorage
) -> None:
    assert storage.locate("in second.txt") == "second"
    first.wrapped.save("in second.txt", ContentFile(b"newer"))
    storage.open("in second.txt", "r+b").close()
    assert second.mutations == []
    assert len(first.mutations) == 1


def test_for_a_second_a_process_does_without_the_cache(
    first: RemoteFaultyStorage, second: RemoteFaultyStorage
) -> None:
    storage = of(first, second)
    assert storage.locate("in first.txt") == "first"
    now = [0.0]
    presence = Presence(
        PresenceOptions(**PRESENCE),  # type: ignore[arg-type]
        type(storage),
        storage.options.backends(),
        clock=lambda: now[0],
    )
    presence.stored("a.txt", "first")
    assert presence.holder("a.txt") == "first"
    caches["presence"].clear()
    assert presence.holder("a.txt") == "first"
    now[0] = 1.0
    assert presence.holder("a.txt") is None


def test_what_a_process_keeps_for_itself_is_bounded() -> None:
    recent = _Recent(lambda: 0.0)
    for number in range(25_000):
        recent.put(f"{number}.txt", "first")
        assert recent.get(f"{number}.txt") == "first"
    kept = sum(recent.get(f"{number}.txt") is not None for number in range(25_000))
    assert 0 < kept <= 10_000


def test_a_write_asks_the_backends(storage: FallbackStorage, first: RemoteFaultyStorage) -> None:
    assert storage.locate("name.txt") is None
    first.wrapped.save("name.txt", ContentFile(b"of another process"))
    assert storage.save("name.txt", ContentFile(b"mine")) != "name.txt"


def test_a_file_opened_for_writing_is_asked_for_again(storage: FallbackStorage) -> None:
    assert storage.locate("new.txt") is None
    with storage.open("new.txt", "wb") as file:
        file.write(b"new")
    assert storage.locate("new.txt") == "first"


def test_nothing_is_remembered_while_a_backend_cannot_answer(
    storage: FallbackStorage, first: RemoteFaultyStorage
) -> None:
    first.refusing()
    assert storage.url("in both.txt") == "https://second.example/in%20both.txt"
    assert storage.locate("in both.txt") == "second"
    storage.open("in both.txt").close()
    first.heal()
    assert storage.url("in both.txt") == "https://first.example/in%20both.txt"


def test_the_error_of_the_holders_url_is_raised(
    storage: FallbackStorage, first: RemoteFaultyStorage
) -> None:
    """The URL of the next backend may lead to an older file, or to none."""
    assert storage.locate("in both.txt") == "first"
    first.stage("url", error=OSError("No key to sign it with"))
    with pytest.raises(OSError, match="No key"):
        storage.url("in both.txt")


def test_a_remembered_backend_whose_breaker_is_open_is_passed_over(
    storage: FallbackStorage,
) -> None:
    assert storage.locate("in both.txt") == "first"
    breaker = storage.backends[0].breaker
    assert breaker is not None
    breaker.force_open()
    assert storage.url("in both.txt") == "https://second.example/in%20both.txt"


def test_a_backend_of_another_configuration_is_not_believed_in(
    storage: FallbackStorage, second: RemoteFaultyStorage
) -> None:
    assert storage.backends
    assert storage.presence is not None
    storage.presence.stored("in second.txt", "of long ago")
    assert storage.locate("in second.txt") == "second"
    storage.presence.stored("in both.txt", "of long ago")
    assert storage.url("in both.txt") == "https://first.example/in%20both.txt"


def test_a_page_of_names_is_one_round_trip_to_the_cache(
    storage: FallbackStorage, first: RemoteFaultyStorage, second: RemoteFaultyStorage
) -> None:
    names = ["in first.txt", "in second.txt", "nowhere.txt", "./in first.txt"]
    holders = {
        "in first.txt": "first",
        "in second.txt": "second",
        "nowhere.txt": None,
        "./in first.txt": "first",
    }
    assert storage.locate_many(names) == holders
    asked, cache = questions(first, second), caches["presence"]
    trips = cache.trips  # type: ignore[attr-defined]
    assert storage.locate_many(iter(names)) == holders
    assert storage.locate_many([]) == {}
    assert cache.trips == trips  # type: ignore[attr-defined]
    assert storage.presence is not None
    for name in ("in first.txt", "in second.txt"):
        storage.presence.stored(name, holders[name] or "")
    assert storage.locate_many(names) == holders
    assert cache.trips == trips + 1  # type: ignore[attr-defined]
    assert questions(first, second) == asked


def test_unknown_names_are_asked_for_at_the_same_time(second: Storage) -> None:
    """Each of two questions waits for the other: in turn they would wait for ever."""
    barrier = threading.Barrier(2)
    first = remote("first", "a.txt", "b.txt").stage("exists", delay=lambda: _meet(barrier))
    storage = of(first, second, threads={"THREADS": 2}, presence=None)
    assert storage.locate_many(["a.txt", "b.txt"]) == {"a.txt": "first", "b.txt": "first"}


def test_a_listing_is_asked_for_at_the_same_time() -> None:
    barrier = threading.Barrier(2)
    storages = [
        remote(name, f"{name}.txt").stage("listdir", delay=lambda: _meet(barrier))
        for name in ("first", "second")
    ]
    assert of(*storages, threads={"TIMEOUT": 30}).listdir("") == ([], ["first.txt", "second.txt"])


def test_a_storage_that_may_not_bear_threads_is_asked_by_its_caller_alone(
    first: RemoteFaultyStorage, second: RemoteFaultyStorage
) -> None:
    """A tenant may be in a thread-local, a connection to a database belongs to its thread."""
    askers = set()
    for storage in (first, second):
        storage.stage("*", delay=lambda: askers.add(threading.current_thread()))
    both = of(first, second, presence=None)
    both.locate_many([f"{number}.txt" for number in range(10)])
    both.listdir("")
    assert askers == {threading.current_thread()}


def _meet(barrier: threading.Barrier) -> None:
    barrier.wait(60)


def test_what_cannot_be_known_is_raised(first: RemoteFaultyStorage, second: Storage) -> None:
    first.refusing()
    storage = of(first, second)
    assert storage.locate_many(["in second.txt"]) == {"in second.txt": "second"}
    with pytest.raises(ConnectionRefusedError):
        storage.locate_many(["in second.txt", "nowhere.txt"])


def test_without_its_cache_everything_is_asked_for(
    first: Storage, second: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    storage = of(first, second, presence={"cache": "broken"})
    assert storage.url("in both.txt") == "https://first.example/in%20both.txt"
    assert storage.locate_many(["in second.txt"]) == {"in second.txt": "second"}
    storage.delete("in both.txt")
    assert storage.save("new.txt", ContentFile(b"new")) == "new.txt"
    assert "The cache for presence could not answer: ConnectionError" in caplog.text
    assert "swordfish" not in caplog.text


@pytest.fixture
def overlay(tmp_path: Path, second: Storage) -> OverlayStorage:
    upper = FileSystemStorage(location=tmp_path, base_url="/media/")
    entries = [{"BACKEND": upper, "NAME": "upper"}, {"BACKEND": second, "NAME": "production"}]
    return OverlayStorage(backends=entries, presence=PRESENCE, promote={"include": ["*.jpg"]})


def test_in_an_overlay_a_deleted_file_is_nowhere(
    overlay: OverlayStorage, second: RemoteFaultyStorage
) -> None:
    assert overlay.locate("in second.txt") == "production"
    assert overlay.url("in second.txt") == "https://second.example/in%20second.txt"
    overlay.delete("in second.txt")
    assert overlay.locate("in second.txt") is None
    assert overlay.url("in second.txt") == "/media/in%20second.txt"


def test_a_file_that_is_copied_up_is_found_there(
    overlay: OverlayStorage, second: RemoteFaultyStorage
) -> None:
    second.wrapped.save("a.jpg", ContentFile(b"picture"))
    assert overlay.locate("a.jpg") == overlay.locate("in second.txt") == "production"
    overlay.open("a.jpg").close()  # Promoted.
    with overlay.open("in second.txt", "ab") as file:  # Copied up, to be changed.
        file.write(b"more")
    assert overlay.locate("a.jpg") == overlay.locate("in second.txt") == "upper"


def test_two_storages_share_what_they_remember_if_they_are_configured_alike(
    tmp_path: Path,
) -> None:
    def configured(directory: str) -> FallbackStorage:
        local = "django.core.files.storage.FileSystemStorage"
        entries = [
            {"BACKEND": local, "NAME": name, "OPTIONS": {"location": tmp_path / directory / name}}
            for name in ("first", "second")
        ]
        return FallbackStorage(backends=entries, presence=PRESENCE)

    one, alike, other = configured("a"), configured("a"), configured("b")
    assert one.locate("a.txt") is None
    FileSystemStorage(location=tmp_path / "a" / "first").save("a.txt", ContentFile(b"a"))
    FileSystemStorage(location=tmp_path / "b" / "first").save("a.txt", ContentFile(b"a"))
    assert alike.locate("a.txt") is None
    assert other.locate("a.txt") == "first"
