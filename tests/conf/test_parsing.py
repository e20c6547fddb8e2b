"""Every form in which backends can be named, and what comes of each."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import InMemoryStorage, storages
from django.test import override_settings

from fallback_storage.errors import ReadOnlyStorageError
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage
from fallback_storage.testing.promises.material import put, read
from tests.django.override import override_storages

FALLBACK = "fallback_storage.storage.FallbackStorage"
MEMORY = "django.core.files.storage.InMemoryStorage"

ALIASES = {
    "default": {"BACKEND": FALLBACK, "OPTIONS": {"backends": ["uploads", "production"]}},
    "uploads": {"BACKEND": MEMORY, "OPTIONS": {"base_url": "/uploads/"}},
    "production": {"BACKEND": MEMORY, "OPTIONS": {"base_url": "/production/"}},
}


def named(*entries: Any) -> list[str]:
    return [backend.name for backend in FallbackStorage(entries).backends]


def memory_at(base_url: str) -> dict[str, Any]:
    return {"BACKEND": MEMORY, "OPTIONS": {"base_url": base_url}}


@pytest.fixture(autouse=True)
def aliases() -> Any:
    with override_storages(ALIASES):
        yield


# Where an entry's storage comes from.


def test_an_alias_is_djangos_own_instance() -> None:
    storage = storages["default"]
    assert isinstance(storage, FallbackStorage)
    assert [backend.storage for backend in storage.backends] == [
        storages["uploads"],
        storages["production"],
    ]


def test_a_dotted_path_is_a_storage_of_its_own() -> None:
    first, second = FallbackStorage([MEMORY, MEMORY]).backends
    assert type(first.storage) is type(second.storage) is InMemoryStorage
    assert first.storage is not second.storage


def test_a_mapping_names_an_alias() -> None:
    (backend,) = FallbackStorage([{"BACKEND": "uploads"}]).backends
    assert backend.storage is storages["uploads"]


def test_a_mapping_names_a_dotted_path_and_its_options() -> None:
    (backend,) = FallbackStorage([memory_at("/elsewhere/")]).backends
    assert backend.storage.url("a.txt") == "/elsewhere/a.txt"


def test_a_mapping_holds_an_instance() -> None:
    instance = InMemoryStorage()
    (backend,) = FallbackStorage([{"BACKEND": instance, "NAME": "mine"}]).backends
    assert (backend.storage, backend.name) == (instance, "mine")


def test_an_instance_stands_for_itself() -> None:
    instance = InMemoryStorage()
    assert FallbackStorage([instance]).backends[0].storage is instance


def test_one_dotted_path_stands_twice_with_different_options() -> None:
    storage = FallbackStorage([memory_at("/first/"), memory_at("/second/")])
    first, second = storage.backends
    put(first.storage, "in-first.txt")
    put(second.storage, "in-second.txt")
    assert storage.url("in-first.txt") == "/first/in-first.txt"
    assert storage.url("in-second.txt") == "/second/in-second.txt"


@pytest.mark.parametrize("kind", [list, tuple])
def test_backends_are_a_list_or_a_tuple_given_by_name_or_position(kind: type) -> None:
    entries = kind(["uploads", "production"])
    for storage in (FallbackStorage(entries), FallbackStorage(backends=entries)):
        assert [backend.name for backend in storage.backends] == ["uploads", "production"]


def test_the_order_asked_is_the_order_declared() -> None:
    put(storages["uploads"], "a.txt", b"of uploads")
    put(storages["production"], "a.txt", b"of production")
    assert read(FallbackStorage(["uploads", "production"]), "a.txt") == b"of uploads"
    assert read(FallbackStorage(["production", "uploads"]), "a.txt") == b"of production"


@override_settings(FALLBACK_STORAGES=("uploads", memory_at("/inline/"), MEMORY))
def test_the_setting_serves_a_storage_without_backends() -> None:
    storage = FallbackStorage()
    assert [b.name for b in storage.backends] == [
        "uploads",
        "InMemoryStorage",
        "InMemoryStorage-2",
    ]
    assert storage.backends[0].storage is storages["uploads"]


@override_settings(FALLBACK_STORAGES=("uploads",))
def test_backends_of_its_own_come_before_the_setting() -> None:
    assert named("production") == ["production"]


def test_a_combined_storage_is_a_backend_of_another() -> None:
    put(storages["production"], "a.txt", b"below")
    outer = FallbackStorage([MEMORY, "default"])
    assert read(outer, "a.txt") == b"below"
    assert outer.locate("a.txt") == "default"


def test_a_combined_storage_is_a_backend_by_its_dotted_path() -> None:
    put(storages["production"], "a.txt", b"below")
    inner = {"BACKEND": FALLBACK, "OPTIONS": {"backends": ["production"]}}
    assert read(FallbackStorage(["uploads", inner]), "a.txt") == b"below"


def test_policies_are_the_originals_unless_given() -> None:
    options = FallbackStorage(["uploads"]).options
    assert (options.on_fault, options.delete) == ("failover", "first")
    options = FallbackStorage(["uploads"], on_fault="skip", delete="all").options
    assert (options.on_fault, options.delete) == ("skip", "all")


# Names.


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("uploads", "uploads"),
        ({"BACKEND": "uploads"}, "uploads"),
        (MEMORY, "InMemoryStorage"),
        (memory_at("/x/"), "InMemoryStorage"),
        (InMemoryStorage(), "InMemoryStorage"),
        (FaultyStorage(InMemoryStorage()), "FaultyStorage"),
        ({"BACKEND": "uploads", "NAME": "local"}, "local"),
        ({"BACKEND": MEMORY, "NAME": "local"}, "local"),
        ({"BACKEND": InMemoryStorage(), "NAME": "local"}, "local"),
    ],
)
def test_a_backend_has_the_name_of_its_alias_path_or_class(entry: Any, name: str) -> None:
    assert named(entry) == [name]


def test_a_name_that_repeats_is_numbered() -> None:
    assert named("uploads", MEMORY, InMemoryStorage(), "uploads", MEMORY) == [
        "uploads",
        "InMemoryStorage",
        "InMemoryStorage-2",
        "uploads-2",
        "InMemoryStorage-3",
    ]


def test_a_number_passes_over_a_name_that_is_given() -> None:
    given = {"BACKEND": MEMORY, "NAME": "InMemoryStorage-2"}
    assert named(MEMORY, given, MEMORY) == [
        "InMemoryStorage",
        "InMemoryStorage-2",
        "InMemoryStorage-3",
    ]


def test_a_storage_shows_the_names_of_its_backends_and_nothing_else() -> None:
    secret = {"BACKEND": MEMORY, "NAME": "bucket", "OPTIONS": {"base_url": "/hush/"}}
    assert repr(FallbackStorage(["uploads", secret])) == "<FallbackStorage: uploads, bucket>"


# Modes.


@pytest.mark.parametrize("source", ["uploads", MEMORY, InMemoryStorage()])
def test_read_only_holds_for_whatever_the_entry_names(source: Any) -> None:
    storage = FallbackStorage([{"BACKEND": source, "READ_ONLY": True}])
    assert storage.writable_backends == ()
    with pytest.raises(ReadOnlyStorageError):
        put(storage, "a.txt")


def test_a_backend_is_writable_unless_said_otherwise() -> None:
    storage = FallbackStorage(["uploads", {"BACKEND": "production", "READ_ONLY": False}])
    assert [b.name for b in storage.writable_backends] == ["uploads", "production"]


def test_denied_is_missing_lets_a_read_go_on() -> None:
    class ForbiddenError(Exception):
        status_code = 403

    denied = FaultyStorage(InMemoryStorage()).stage("*", error=ForbiddenError)
    storage = FallbackStorage([{"BACKEND": denied, "DENIED_IS_MISSING": True}, "uploads"])
    assert storage.exists("a.txt") is False
    with pytest.raises(FileNotFoundError):
        storage.open("a.txt")


def test_denied_is_not_missing_unless_said_so() -> None:
    storage = FallbackStorage([FaultyStorage(InMemoryStorage()).denied(), "uploads"])
    with pytest.raises(PermissionError):
        storage.exists("a.txt")
