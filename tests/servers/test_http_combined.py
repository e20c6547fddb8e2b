"""Below another storage a site serves what that one lacks, and stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

from fallback_storage.errors import ReadOnlyStorageError, StorageUnavailable
from fallback_storage.http import UnexpectedAnswer
from fallback_storage.storage import FallbackStorage

from .conftest import MakeHTTP
from .site import Site

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
