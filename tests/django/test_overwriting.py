"""Where the first backend overwrites and has a name itself, that is its owner's wish."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import InMemoryStorage

from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage
from fallback_storage.testing.promises.material import put, read

from .storages import OverwritingStorage


@pytest.fixture
def plain() -> FaultyStorage:
    """A backend that does not overwrite."""
    return FaultyStorage(InMemoryStorage())


@pytest.fixture
def overwriting(tmp_path: Path) -> FaultyStorage:
    return FaultyStorage(OverwritingStorage(tmp_path))


def test_a_name_that_the_overwriting_first_has_itself_is_kept(
    overwriting: FaultyStorage, plain: FaultyStorage
) -> None:
    put(overwriting.wrapped, "a.txt", b"a longer old one")
    storage = FallbackStorage([overwriting, plain])
    assert storage.get_available_name("a.txt") == "a.txt"
    assert put(storage, "a.txt", b"new") == "a.txt"
    assert read(storage, "a.txt") == b"new"


def test_a_name_that_another_has_is_taken_though_the_first_overwrites(
    overwriting: FaultyStorage, plain: FaultyStorage
) -> None:
    put(plain, "a.txt", b"old")
    storage = FallbackStorage([overwriting, plain])
    name = put(storage, "a.txt", b"new")
    assert name != "a.txt"
    assert (read(storage, "a.txt"), read(storage, name)) == (b"old", b"new")


def test_a_name_that_both_have_is_kept(overwriting: FaultyStorage, plain: FaultyStorage) -> None:
    put(overwriting.wrapped, "a.txt", b"old")
    put(plain, "a.txt", b"older")
    storage = FallbackStorage([overwriting, plain])
    assert put(storage, "a.txt", b"new") == "a.txt"
    assert read(storage, "a.txt") == b"new"
    assert read(plain, "a.txt") == b"older"


def test_a_name_that_a_read_only_first_has_is_taken_though_it_overwrites(
    overwriting: FaultyStorage, plain: FaultyStorage
) -> None:
    put(overwriting.wrapped, "a.txt", b"old")
    storage = FallbackStorage([{"BACKEND": overwriting, "READ_ONLY": True}, plain])
    assert put(storage, "a.txt", b"new") != "a.txt"
    assert read(storage, "a.txt") == b"old"


def test_a_name_that_an_overwriting_second_has_is_taken(
    overwriting: FaultyStorage, plain: FaultyStorage
) -> None:
    put(overwriting.wrapped, "a.txt", b"old")
    storage = FallbackStorage([plain, overwriting])
    assert put(storage, "a.txt", b"new") != "a.txt"
    assert read(overwriting, "a.txt") == b"old"


@pytest.mark.parametrize("flag", ["file_overwrite", "allow_overwrite", "_allow_overwrite"])
@pytest.mark.parametrize("overwrites", [True, False])
def test_each_way_to_say_that_a_storage_overwrites(
    plain: FaultyStorage, flag: str, overwrites: bool
) -> None:
    memory = InMemoryStorage()
    setattr(memory, flag, overwrites)
    put(memory, "a.txt")
    name = FallbackStorage([memory, plain]).get_available_name("a.txt")
    assert (name == "a.txt") is overwrites


def test_a_lone_backend_that_overwrites_is_not_asked(overwriting: FaultyStorage) -> None:
    FallbackStorage([overwriting]).get_available_name("a.txt")
    assert overwriting.calls == []
