"""A write that fails over hides nothing and loses nothing."""

from __future__ import annotations

import errno
import logging
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage

FULL = OSError(errno.ENOSPC, "No space left on device")
DENIED = PermissionError(errno.EACCES, "Permission denied")


class Overwriting(InMemoryStorage):
    file_overwrite = True


def read(storage: Any, name: str) -> bytes:
    with storage.open(name, "rb") as file:
        content: bytes = file.read()
    return content


@pytest.fixture
def first() -> FaultyStorage:
    """Holds an older file, which it can neither replace nor delete."""
    storage = FaultyStorage(Overwriting())
    storage.save("a.txt", ContentFile(b"older"))
    storage.stage("save", error=FULL)
    storage.stage("delete", error=DENIED)
    return storage


@pytest.fixture
def second() -> FaultyStorage:
    return FaultyStorage(InMemoryStorage())


def test_where_an_older_copy_would_hide_the_new_one_there_is_no_new_one(
    first: FaultyStorage, second: FaultyStorage
) -> None:
    with pytest.raises(OSError, match="No space left"):
        FallbackStorage(backends=[first, second]).save("a.txt", ContentFile(b"newer"))
    assert read(first, "a.txt") == b"older"
    assert not second.exists("a.txt")


def test_a_second_copy_that_cannot_be_removed_is_told(
    first: FaultyStorage, second: FaultyStorage, caplog: pytest.LogCaptureFixture
) -> None:
    second.stage("delete", error=DENIED)
    with caplog.at_level(logging.WARNING), pytest.raises(OSError, match="No space left"):
        FallbackStorage(
            backends=[first, {"BACKEND": second, "NAME": "second"}],
        ).save("a.txt", ContentFile(b"newer"))
    assert "second keeps a second copy" in caplog.text


def test_an_older_copy_that_can_be_deleted_gives_way(
    first: FaultyStorage, second: FaultyStorage
) -> None:
    first.heal().stage("save", error=FULL)
    storage = FallbackStorage(backends=[first, second])
    assert storage.save("a.txt", ContentFile(b"newer")) == "a.txt"
    assert read(storage, "a.txt") == b"newer"
    assert not first.exists("a.txt")


def test_a_backend_that_cannot_delete_and_has_nothing_is_no_hindrance(
    second: FaultyStorage,
) -> None:
    frozen = FaultyStorage(InMemoryStorage()).stage("delete", error=NotImplementedError())
    second.save("a.txt", ContentFile(b"a"))
    FallbackStorage(backends=[second, frozen], delete="all").delete("a.txt")
    assert not second.exists("a.txt")
