"""A file gets a name that no backend has."""

from __future__ import annotations

import errno
import re
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, Storage

from fallback_storage.errors import StorageUnavailable
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage
from fallback_storage.testing.promises.material import put, read

#: What Django appends to a name that is taken.
SUFFIXED = re.compile(r"a_[0-9A-Za-z]{7}\.txt")


def read_only(storage: Storage) -> dict[str, Any]:
    return {"BACKEND": storage, "READ_ONLY": True}


def asked(storage: FaultyStorage) -> list[str]:
    """The names that the storage was asked for, in order."""
    return [call.name for call in storage.called("exists")]


# Unique over all backends.


def test_a_free_name_is_kept(storage: FallbackStorage) -> None:
    assert storage.get_available_name("a.txt") == "a.txt"
    assert put(storage, "a.txt") == "a.txt"


@pytest.mark.parametrize("holder", [0, 1])
def test_a_name_that_any_backend_has_is_taken(storage: FallbackStorage, holder: int) -> None:
    put(storage.backends[holder].storage, "a.txt", b"old")
    assert SUFFIXED.fullmatch(storage.get_available_name("a.txt"))
    name = put(storage, "a.txt", b"new")
    assert SUFFIXED.fullmatch(name)
    assert (read(storage, "a.txt"), read(storage, name)) == (b"old", b"new")


def test_a_name_that_a_read_only_backend_has_is_taken(
    first: FaultyStorage, second: FaultyStorage
) -> None:
    put(second, "a.txt")
    storage = FallbackStorage([first, read_only(second)])
    assert SUFFIXED.fullmatch(put(storage, "a.txt"))


def test_an_alternative_that_is_taken_as_well_is_not_used(first: FaultyStorage) -> None:
    class CountingStorage(FallbackStorage):
        """Tries a-1, a-2, ..."""

        tried = 0

        def get_alternative_name(self, file_root: str, file_ext: str) -> str:
            self.tried += 1
            return f"{file_root}-{self.tried}{file_ext}"

    second = InMemoryStorage()
    put(first, "a.txt")
    put(second, "a-1.txt")
    put(first, "a-2.txt")
    storage = CountingStorage([first, second])
    assert storage.get_available_name("a.txt") == "a-3.txt"
    assert put(storage, "a.txt") == "a-4.txt"


def test_the_folder_stays(storage: FallbackStorage, second: FaultyStorage) -> None:
    put(second, "deep/down.d/a.txt")
    name = storage.get_available_name("deep/down.d/a.txt")
    assert SUFFIXED.fullmatch(name.removeprefix("deep/down.d/"))


# Names that must not be too long.


def test_a_name_of_just_the_length_is_kept(storage: FallbackStorage) -> None:
    assert storage.get_available_name("12345678.txt", max_length=12) == "12345678.txt"


@pytest.mark.parametrize("holder", [0, 1, None])
def test_a_name_is_cut_to_the_length(storage: FallbackStorage, holder: int | None) -> None:
    name = "1234567890.txt"
    if holder is not None:
        put(storage.backends[holder].storage, name)
    for length in (13, 14):
        available = storage.get_available_name(name, max_length=length)
        assert len(available) <= length
        assert available.endswith(".txt")
        assert not any(backend.storage.exists(available) for backend in storage.backends)
    saved = storage.save(name, ContentFile(b""), max_length=13)
    assert len(saved) <= 13


def test_a_length_with_no_room_for_a_root_is_refused(
    storage: FallbackStorage, first: FaultyStorage
) -> None:
    with pytest.raises(SuspiciousFileOperation):
        storage.save("1234567890.txt", ContentFile(b""), max_length=4)
    assert first.mutations == []


# A custom way to name.


def test_a_custom_alternative_name_is_respected(
    first: FaultyStorage, second: FaultyStorage
) -> None:
    class CopyStorage(FallbackStorage):
        def get_alternative_name(self, file_root: str, file_ext: str) -> str:
            return f"{file_root} (copy){file_ext}"

    put(second, "a.txt")
    assert put(CopyStorage([first, second]), "a.txt") == "a (copy).txt"


def test_a_custom_alternative_name_that_is_always_the_same_gives_way_to_a_random_one(
    first: FaultyStorage,
) -> None:
    class StubbornStorage(FallbackStorage):
        asked = 0

        def get_alternative_name(self, file_root: str, file_ext: str) -> str:
            self.asked += 1
            if self.asked > 1000:
                pytest.fail("There is no end to it.")
            return f"a{file_ext}"

    put(first, "a.txt")
    assert re.fullmatch(r"a_\w{7}\.txt", StubbornStorage([first]).get_available_name("a.txt"))


# Backends that do not know, or know everything.


@pytest.mark.parametrize("down", [0, 1])
@pytest.mark.parametrize("on_fault", ["failover", "raise", "skip"])
def test_where_a_backend_cannot_answer_the_name_gets_a_random_suffix(
    first: FaultyStorage, second: FaultyStorage, down: int, on_fault: Any
) -> None:
    (first, second)[down].stage("exists", error=TimeoutError)
    storage = FallbackStorage([first, second], on_fault=on_fault)
    assert SUFFIXED.fullmatch(storage.get_available_name("a.txt"))


def test_what_a_backend_that_can_answer_has_is_never_overwritten(
    storage: FallbackStorage, first: FaultyStorage, second: FaultyStorage
) -> None:
    put(second, "a.txt", b"old")
    first.stage("exists", error=TimeoutError)
    assert put(storage, "a.txt", b"new") != "a.txt"
    assert read(second, "a.txt") == b"old"


def test_a_suffix_for_not_knowing_keeps_to_the_length(
    storage: FallbackStorage, second: FaultyStorage
) -> None:
    second.stage("exists", error=OSError(errno.EIO, "disk"))
    assert len(storage.get_available_name("1234567890.txt", max_length=14)) <= 14


class ClaimsAll(InMemoryStorage):
    def exists(self, name: str) -> bool:
        return True


@pytest.mark.parametrize("claims_all", [0, 1])
def test_a_backend_that_claims_every_name_is_an_error_that_names_it(
    claims_all: int,
) -> None:
    storages: list[Storage] = [InMemoryStorage(), InMemoryStorage()]
    storages[claims_all] = ClaimsAll()
    storage = FallbackStorage(storages)
    backend = storage.backends[claims_all]
    with pytest.raises(StorageUnavailable) as caught:
        storage.save("a.txt", ContentFile(b""))
    assert list(caught.value.failures) == [backend.name]
    assert backend.name in str(caught.value)
    assert caught.value.name == "a.txt"


# How often the backends are asked.


def test_for_a_free_name_each_backend_is_asked_once(
    storage: FallbackStorage, first: FaultyStorage, second: FaultyStorage
) -> None:
    storage.get_available_name("a.txt", max_length=100)
    assert asked(first) == asked(second) == ["a.txt"]


def test_for_a_name_that_the_first_has_the_second_is_not_asked(
    storage: FallbackStorage, first: FaultyStorage, second: FaultyStorage
) -> None:
    put(first.wrapped, "a.txt")
    name = storage.get_available_name("a.txt")
    assert asked(first) == ["a.txt", name]
    assert asked(second) == [name]


def test_for_a_save_the_second_is_asked_once_and_the_first_twice_at_most(
    storage: FallbackStorage, first: FaultyStorage, second: FaultyStorage
) -> None:
    put(storage, "a.txt")
    assert len(asked(first)) <= 2
    assert [call.method for call in second.calls] == ["exists"]


def test_for_a_name_that_is_too_long_no_backend_is_asked(
    storage: FallbackStorage, first: FaultyStorage, second: FaultyStorage
) -> None:
    name = storage.get_available_name("1234567890.txt", max_length=13)
    assert asked(first) == asked(second) == [name]
