"""Below another storage a site serves what that one lacks, and stays as it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, Storage

from fallback_storage.errors import DeadlineExceeded, ReadOnlyStorageError, StorageUnavailable
from fallback_storage.http import UnexpectedAnswer, client
from fallback_storage.storage import FallbackStorage
from tests.remotes import breaker_of

from .conftest import MakeHTTP
from .site import Request, Site

READS: dict[str, Callable[[FallbackStorage], Any]] = {
    "open": lambda storage: storage.open("there.jpg"),
    "exists": lambda storage: storage.exists("there.jpg"),
    "size": lambda storage: storage.size("there.jpg"),
    "get_modified_time": lambda storage: storage.get_modified_time("there.jpg"),
}


@pytest.fixture
def memory() -> InMemoryStorage:
    return InMemoryStorage()


@pytest.fixture
def storage(memory: InMemoryStorage, make_http: MakeHTTP) -> FallbackStorage:
    production = {"BACKEND": make_http(), "NAME": "production", "READ_ONLY": True}
    return FallbackStorage(backends=[memory, production])


def read(storage: FallbackStorage, name: str) -> bytes:
    with storage.open(name) as file:
        return bytes(file.read())


def test_what_the_first_lacks_comes_from_the_site(site: Site, storage: FallbackStorage) -> None:
    site.files["there.jpg"] = b"production's"
    assert read(storage, "there.jpg") == b"production's"
    assert storage.exists("there.jpg")
    assert storage.size("there.jpg") == 12
    assert storage.get_modified_time("there.jpg").year == 2026
    assert storage.url("there.jpg") == site.base_url + "there.jpg"
    assert storage.locate("there.jpg") == "production"


def test_a_site_is_asked_once_for_a_file_it_serves(site: Site, storage: FallbackStorage) -> None:
    site.files["there.jpg"] = b"production's"
    assert read(storage, "there.jpg") == b"production's"
    assert len(site.asked) == 1


def test_what_the_first_has_costs_the_site_nothing(site: Site, storage: FallbackStorage) -> None:
    storage.save("here.jpg", ContentFile(b"local"))
    site.asked.clear()
    assert read(storage, "here.jpg") == b"local"
    assert storage.exists("here.jpg")
    assert storage.size("here.jpg") == 5
    assert storage.url("there.jpg") == site.base_url + "there.jpg"
    assert site.asked == []


def test_what_nobody_has_is_missing(storage: FallbackStorage) -> None:
    assert not storage.exists("nowhere.jpg")
    with pytest.raises(FileNotFoundError):
        storage.open("nowhere.jpg")


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_an_outage_of_the_site_is_not_absence(
    site: Site, storage: FallbackStorage, status: int, operation: str
) -> None:
    site.says(status)
    with pytest.raises(OSError, match=f"HTTP {status}") as error:
        READS[operation](storage)
    assert not isinstance(error.value, FileNotFoundError)


@pytest.mark.parametrize("operation", READS)
def test_a_site_that_answers_to_everything_serves_nothing(
    site: Site, memory: InMemoryStorage, make_http: MakeHTTP, operation: str
) -> None:
    site.says(200)
    storage = FallbackStorage(backends=[memory, make_http(probe=True)])
    with pytest.raises(UnexpectedAnswer):
        READS[operation](storage)


def test_an_outage_of_the_site_and_of_another_are_told_together(
    site: Site, make_http: MakeHTTP
) -> None:
    site.says(503)
    storage = FallbackStorage(backends=[make_http(), make_http()])
    with pytest.raises(StorageUnavailable) as error:
        storage.exists("a")
    assert len(error.value.failures) == 2


def test_a_name_of_the_site_is_taken(site: Site, storage: FallbackStorage) -> None:
    site.files["there.jpg"] = b"production's"
    assert storage.save("there.jpg", ContentFile(b"local")) != "there.jpg"
    assert read(storage, "there.jpg") == b"production's"


def test_a_save_ends_though_the_site_answers_to_everything(
    site: Site, memory: InMemoryStorage, make_http: MakeHTTP
) -> None:
    site.says(200)
    storage = FallbackStorage(backends=[memory, make_http(probe=True)])
    name = storage.save("a.jpg", ContentFile(b"local"))
    assert name != "a.jpg"
    assert memory.listdir("") == ([], [name])
    assert len(site.asked) == 4


def test_the_site_is_never_written(site: Site, make_http: MakeHTTP) -> None:
    site.files["there.jpg"] = b"production's"
    storage = FallbackStorage(backends=[make_http()])
    with pytest.raises(ReadOnlyStorageError):
        storage.save("new.jpg", ContentFile(b"new"))
    with pytest.raises(ReadOnlyStorageError):
        storage.open("there.jpg", "wb")
    with pytest.raises(ReadOnlyStorageError):
        storage.delete("there.jpg")
    assert {method for method, _ in site.asked} <= {"HEAD"}


def test_a_delete_leaves_the_site_as_it_is(site: Site, storage: FallbackStorage) -> None:
    site.files["there.jpg"] = b"production's"
    storage.delete("there.jpg")
    assert read(storage, "there.jpg") == b"production's"
    assert {method for method, _ in site.asked} <= {"GET", "HEAD"}


def guarded(memory: InMemoryStorage, http: Storage, **keys: Any) -> FallbackStorage:
    production = {"BACKEND": http, "NAME": "production", "READ_ONLY": True, **keys}
    return FallbackStorage(backends=[memory, production])


@pytest.mark.parametrize("status", [301, 400, 405, 414, 451])
def test_what_a_site_will_not_answer_opens_no_breaker(
    site: Site, memory: InMemoryStorage, make_http: MakeHTTP, status: int
) -> None:
    storage = guarded(memory, make_http(), BREAKER={"failures": 1})
    site.says(status, Location="http://elsewhere.example/")
    asks: list[Callable[[FallbackStorage], Any]] = [*READS.values(), lambda s: s.exists("dir")]
    for ask in asks:
        with pytest.raises(OSError, match=str(status)):
            ask(storage)
    assert breaker_of(storage, 1).state == "closed"


def test_a_page_in_the_place_of_a_file_opens_no_breaker(
    site: Site, memory: InMemoryStorage, make_http: MakeHTTP
) -> None:
    storage = guarded(memory, make_http(expect=["image/*"]), BREAKER={"failures": 1})
    site.says(200, Content_Type="text/html")
    for read in READS.values():
        with pytest.raises(UnexpectedAnswer):
            read(storage)
    assert breaker_of(storage, 1).state == "closed"


def test_a_half_open_breaker_is_closed_by_any_answer(
    site: Site, memory: InMemoryStorage, make_http: MakeHTTP
) -> None:
    storage = guarded(memory, make_http(), BREAKER={"failures": 1, "cooldown": 0.001})
    site.says(503)
    with pytest.raises(OSError, match="503"):
        storage.size("there.jpg")
    assert breaker_of(storage, 1).state != "closed"
    site.says(400)
    while breaker_of(storage, 1).seconds_left:
        pass
    with pytest.raises(OSError, match="400"):
        storage.size("there.jpg")
    assert breaker_of(storage, 1).state == "closed"


def test_a_slow_download_is_waited_for_and_is_no_fault(
    site: Site, memory: InMemoryStorage, make_http: MakeHTTP
) -> None:
    began, goes_on = threading.Event(), threading.Event()

    def answer(request: Request) -> None:
        if request.name == "large.jpg":
            request.start(Content_Length="7", Content_Type="image/jpeg")
            began.set()
            goes_on.wait(60)
            request.wfile.write(b"content")
        else:
            site.released.wait(60)

    site.answer = answer
    storage = guarded(memory, make_http(probe=False), TIMEOUT=1, BREAKER={"failures": 2})
    with ThreadPoolExecutor() as pool:
        large = pool.submit(read, storage, "large.jpg")
        assert began.wait(60)
        with pytest.raises(DeadlineExceeded):  # So the deadline of the first has passed too.
            storage.size("hangs.jpg")
        goes_on.set()
        assert large.result() == b"content"
    assert breaker_of(storage, 1).state == "closed"


def test_a_download_that_takes_too_long_is_not_the_site_s_fault(
    site: Site,
    memory: InMemoryStorage,
    make_http: MakeHTTP,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, is_answered = [1000.0], threading.Event()
    monkeypatch.setattr(client, "has_answered", is_answered.set)

    def answer(request: Request) -> None:
        request.start(Content_Length="10", Content_Type="image/jpeg")
        request.wfile.write(b"1")
        assert is_answered.wait(60)
        now[0] += 31
        request.wfile.write(b"2")
        site.released.wait(60)

    site.answer = answer
    http = make_http(probe=False, clock=lambda: now[0], deadline=30, read_timeout=60)
    storage = guarded(memory, http, BREAKER={"failures": 1})
    with pytest.raises(TimeoutError, match="its deadline of 30 s"):
        storage.open("large.jpg")
    assert breaker_of(storage, 1).state == "closed"


@pytest.mark.parametrize("read", [*READS.values(), lambda s: s.url("there.jpg")])
def test_a_name_that_is_no_text_is_refused_before_the_site_is_asked(
    site: Site, memory: InMemoryStorage, make_http: MakeHTTP, read: Callable[[Any], Any]
) -> None:
    class Renamed:
        def __init__(self, storage: FallbackStorage) -> None:
            self.storage = storage

        def __getattr__(self, method: str) -> Callable[[str], Any]:
            return lambda name: getattr(self.storage, method)("dir/\udcff.jpg")

    storage = guarded(memory, make_http(), BREAKER={"failures": 1})
    with pytest.raises(SuspiciousFileOperation, match="UTF-8"):
        read(Renamed(storage))
    assert site.asked == []
    assert breaker_of(storage, 1).state == "closed"
