"""A write that fails over hides nothing and loses nothing."""

from __future__ import annotations

import errno
import io
import logging
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
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


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


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


def test_a_save_that_failed_over_has_a_fresh_name_and_hides_nothing(
    first: FaultyStorage, second: FaultyStorage
) -> None:
    storage = FallbackStorage(backends=[first, second])
    name = storage.save("a.txt", ContentFile(b"newer"))
    assert name != "a.txt"
    assert read(storage, name) == b"newer"
    assert read(first, "a.txt") == b"older"
    assert not second.exists("a.txt")


def test_a_damaged_copy_that_cannot_be_deleted_is_told(
    first: FaultyStorage, second: FaultyStorage, caplog: pytest.LogCaptureFixture
) -> None:
    entry = {"BACKEND": first, "NAME": "first"}
    with caplog.at_level(logging.WARNING):
        FallbackStorage(backends=[entry, second]).save("a.txt", ContentFile(b"newer"))
    assert "save: first may keep a damaged copy of 'a.txt': PermissionError" in messages(caplog)


def test_a_damaged_copy_that_hides_an_older_one_stays_and_is_told(
    first: FaultyStorage, second: FaultyStorage, caplog: pytest.LogCaptureFixture
) -> None:
    first.heal().stage("save", error=FULL)
    second.save("a.txt", ContentFile(b"oldest"))
    entry = {"BACKEND": first, "NAME": "first"}
    FallbackStorage(backends=[entry, second]).save("a.txt", ContentFile(b"newer"))
    assert first.exists("a.txt")
    expected = "save: first may keep a damaged copy of 'a.txt': another backend has one too"
    assert expected in messages(caplog)


def test_a_failed_save_is_suspected_only_where_something_lies_under_the_name(
    second: FaultyStorage, caplog: pytest.LogCaptureFixture
) -> None:
    empty = {"BACKEND": FaultyStorage(InMemoryStorage()).stage("save", error=FULL), "NAME": "1st"}
    part = {"BACKEND": Breaking(b"123456"), "NAME": "2nd"}
    storage = FallbackStorage(backends=[empty, part, second])
    storage.save("a.txt", ContentFile(b"123456"))
    told = [message for message in messages(caplog) if "incomplete" in message]
    assert len(told) == 1
    assert told[0].endswith(": 2nd may hold an incomplete file")


def test_a_copy_that_was_to_be_replaced_and_may_be_damaged_is_deleted_after_the_save(
    first: FaultyStorage, second: FaultyStorage
) -> None:
    first.heal().stage("save", error=FULL)
    storage = FallbackStorage(backends=[first, second])
    name = storage.save("a.txt", ContentFile(b"newer"))
    assert read(storage, name) == b"newer"
    assert not first.exists("a.txt")


def test_the_name_is_another_though_the_first_backend_says_that_it_has_nothing(
    second: FaultyStorage,
) -> None:
    """The next save may find it mended: there would be two files of one name."""
    full = FaultyStorage(InMemoryStorage()).stage("save", error=FULL)
    storage = FallbackStorage(backends=[full, second])
    assert storage.save("a.txt", ContentFile(b"new")) != "a.txt"


def test_the_name_is_kept_where_the_first_backend_cannot_save_at_all(
    second: FaultyStorage,
) -> None:
    dumb = FaultyStorage(InMemoryStorage()).stage("save", error=NotImplementedError())
    storage = FallbackStorage(backends=[dumb, second])
    assert storage.save("a.txt", ContentFile(b"new")) == "a.txt"


def test_the_name_after_a_failover_keeps_to_the_length(second: FaultyStorage) -> None:
    half = FaultyStorage(InMemoryStorage()).stage("save", partial=1, error=FULL)
    storage = FallbackStorage(backends=[half, second])
    name = storage.save("1234567890.txt", ContentFile(b"new"), max_length=14)
    assert name != "1234567890.txt"
    assert len(name) <= 14


def test_a_backend_that_cannot_delete_and_has_nothing_is_no_hindrance(
    second: FaultyStorage,
) -> None:
    frozen = FaultyStorage(InMemoryStorage()).stage("delete", error=NotImplementedError())
    second.save("a.txt", ContentFile(b"a"))
    FallbackStorage(backends=[second, frozen], delete="all").delete("a.txt")
    assert not second.exists("a.txt")


class Breaking(InMemoryStorage):
    """Breaks off each save; what the name has then is ``left``."""

    def __init__(self, left: bytes) -> None:
        super().__init__()
        self.left = left

    def _save(self, name: str, content: Any) -> str:
        super()._save(name, ContentFile(self.left))  # type: ignore[misc]
        raise FULL


@pytest.mark.parametrize(
    ("left", "stays"),
    [
        pytest.param(b"12", False, id="the beginning"),
        pytest.param(b"", True, id="nothing yet: another may have begun"),
        pytest.param(b"123456", True, id="the whole: another may have stored the same"),
        pytest.param(b"1x", True, id="what another wrote"),
        pytest.param(b"123456789", True, id="more"),
    ],
)
def test_a_save_that_breaks_off_deletes_the_beginning_of_its_file_and_nothing_else(
    second: FaultyStorage, left: bytes, stays: bool
) -> None:
    breaking = Breaking(left)
    storage = FallbackStorage(backends=[breaking, second])
    name = storage.save("a.txt", ContentFile(b"123456"))
    assert name != "a.txt"
    assert read(storage, name) == b"123456"
    assert breaking.exists("a.txt") is stays
    if stays:
        assert read(breaking, "a.txt") == left


def test_a_name_that_leaves_no_room_for_another_is_refused_after_a_failover(
    second: FaultyStorage,
) -> None:
    full = FaultyStorage(InMemoryStorage()).stage("save", error=FULL)
    storage = FallbackStorage(backends=[full, second])
    with pytest.raises(SuspiciousFileOperation, match="within 10 characters"):
        storage.save("a.txt", ContentFile(b"new"), max_length=10)


def test_a_name_that_is_taken_meanwhile_and_leaves_no_room_for_another_is_refused() -> None:
    storage = FallbackStorage([InMemoryStorage()])
    storage.backends[0].create = lambda *args: None
    with pytest.raises(SuspiciousFileOperation, match="within 10 characters"):
        storage.save("a.txt", ContentFile(b"new"), max_length=10)


@pytest.mark.parametrize("overwrites", [False, True])
def test_the_content_has_the_name_under_which_it_is_stored(overwrites: bool) -> None:
    class Seeing(InMemoryStorage):
        file_overwrite = overwrites
        seen: str | None = None

        def _save(self, name: str, content: Any) -> str:
            self.seen = content.name
            stored: str = super()._save(name, content)  # type: ignore[misc]
            return stored

    seeing = Seeing()
    FallbackStorage([seeing]).save("d/a.txt", ContentFile(b"new"))
    assert seeing.seen == "d/a.txt"


class Broken(io.BytesIO):
    """Content of which only the beginning can be read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise RuntimeError("unreadable")
        return super().read(size)


def test_content_that_cannot_be_read_reaches_no_storage_that_could_keep_a_part_of_it() -> None:
    plain = FaultyStorage(Breaking(b""))
    with pytest.raises(RuntimeError, match="unreadable"):
        FallbackStorage([plain]).save("a.txt", File(Broken(b"x" * 200_000)))
    assert plain.called("save") == []
