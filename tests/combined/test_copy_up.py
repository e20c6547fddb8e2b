"""What is copied up, how large it may be, and what is said where it cannot be."""

from __future__ import annotations

import errno
import io
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import InMemoryStorage, Storage

from fallback_storage.errors import NameChangedError, ReadOnlyStorageError, StorageUnavailable
from fallback_storage.overlay.whiteouts import marker
from fallback_storage.storage import FallbackStorage, OverlayStorage
from fallback_storage.testing import FaultyStorage

NAME = "d/a.txt"
CONTENT = b"production's"
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
DOWN = ConnectionRefusedError(errno.ECONNREFUSED, "refused")


class Chunked(InMemoryStorage):
    """Gives files by the chunk, whose size nobody knows, and may lose the connection."""

    lost_after: int | None = None

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        storage = self

        class Stream(File):  # type: ignore[type-arg]
            @property
            def size(self) -> int:
                raise NotImplementedError

            def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
                for number, byte in enumerate(self.read()):
                    if number == storage.lost_after:
                        raise DOWN
                    yield bytes([byte])

        return Stream(io.BytesIO(super()._open(name, "rb").read()), name)  # type: ignore[misc]


class Partial(InMemoryStorage):
    """Writes in place, and is full half-way."""

    def _save(self, name: str, content: Any) -> str:
        super()._save(name, ContentFile(b"another's"))  # type: ignore[misc]
        raise FULL


class Renaming(InMemoryStorage):
    def _save(self, name: str, content: Any) -> str:
        stored: str = super()._save(f"{name}.bin", content)  # type: ignore[misc]
        return stored


def put(storage: Storage, content: bytes = CONTENT) -> None:
    storage.save(NAME, ContentFile(content))


def read(storage: Storage) -> bytes:
    with storage.open(NAME) as file:
        content: bytes = file.read()
    return content


def overlay(upper: Storage, lower: Storage, **options: Any) -> OverlayStorage:
    return OverlayStorage(
        [{"BACKEND": upper, "NAME": "upper"}, {"BACKEND": lower, "NAME": "lower"}], **options
    )


def failures(storage: OverlayStorage, mode: str = "ab") -> dict[str, str]:
    """Return which backends an open blames, and the words of their errors."""
    with pytest.raises(StorageUnavailable) as caught:
        storage.open(NAME, mode)
    return told(caught.value, "open", NAME)


def told(error: StorageUnavailable, operation: str, name: str) -> dict[str, str]:
    assert (error.operation, error.name) == (operation, name)
    return {backend: str(failure) for backend, failure in error.failures.items()}


# How large.


@pytest.mark.parametrize("lower", [InMemoryStorage, Chunked])
@pytest.mark.parametrize(
    ("max_size", "is_promoted"), [(len(CONTENT), True), (len(CONTENT) - 1, False), (1, False)]
)
def test_a_file_of_the_largest_size_is_promoted_and_no_larger_one(
    lower: type[InMemoryStorage], max_size: int, is_promoted: bool
) -> None:
    upper, below = InMemoryStorage(), lower()
    put(below)
    assert read(overlay(upper, below, promote={"max_size": max_size})) == CONTENT
    assert upper.exists(NAME) is is_promoted


def test_an_empty_file_is_promoted_whatever_the_largest_size(tmp_path: Path) -> None:
    upper, below = InMemoryStorage(), Chunked()
    put(below, b"")
    assert read(overlay(upper, below, promote={"max_size": 1})) == b""
    assert upper.exists(NAME)


def test_a_large_file_is_copied_up_from_its_beginning() -> None:
    upper, below = InMemoryStorage(), InMemoryStorage()
    content = os.urandom(3_000_000)
    put(below, content)
    with overlay(upper, below).open(NAME, "r+b") as file:
        file.write(b"X")
    assert read(upper) == b"X" + content[1:]
    assert read(below) == content


def test_the_copy_has_the_name_of_the_file() -> None:
    seen: list[str | None] = []

    class Seeing(InMemoryStorage):
        def _save(self, name: str, content: Any) -> str:
            seen.append(content.name)
            stored: str = super()._save(name, content)  # type: ignore[misc]
            return stored

    below = InMemoryStorage()
    put(below)
    read(overlay(Seeing(), below, promote=True))
    assert seen == [NAME]


# What cannot be copied up.


def test_a_source_that_breaks_off_is_named_and_nothing_is_written() -> None:
    upper, below = InMemoryStorage(), Chunked()
    put(below)
    below.lost_after = 3
    assert failures(overlay(upper, below)) == {"lower": str(DOWN)}
    assert not upper.exists(NAME)


def test_a_target_that_is_full_is_named() -> None:
    upper, below = FaultyStorage(InMemoryStorage()), InMemoryStorage()
    put(below)
    upper.stage("save", error=FULL)
    assert failures(overlay(upper, below)) == {"upper": str(FULL)}


def test_a_target_that_says_missing_to_a_save_has_failed() -> None:
    """On a write nothing is missing: there is no directory, perhaps."""
    upper, below = FaultyStorage(InMemoryStorage()), InMemoryStorage()
    put(below)
    gone = FileNotFoundError(errno.ENOENT, "no directory")
    upper.stage("save", error=gone)
    assert failures(overlay(upper, below)) == {"upper": str(gone)}


def test_a_temporary_directory_that_is_full_is_the_targets_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any, /) -> int:
            raise FULL

    upper, below = InMemoryStorage(), InMemoryStorage()
    put(below)
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda max_size: Full())
    assert failures(overlay(upper, below)) == {"upper": str(FULL)}
    promoting = overlay(upper, below, promote=True)
    assert read(promoting) == CONTENT
    assert not upper.exists(NAME)


def test_a_backend_that_failed_may_hold_a_newer_file() -> None:
    middle, below = FaultyStorage(InMemoryStorage()), InMemoryStorage()
    put(below)
    denied = type("Denied", (Exception,), {"status_code": 403})
    middle.stage("*", error=denied("denied"))
    storage = OverlayStorage(
        [
            InMemoryStorage(),
            {"BACKEND": middle, "NAME": "middle", "DENIED_IS_MISSING": True},
            below,
        ]
    )
    assert failures(storage, "r+b") == {"middle": "denied"}


def test_a_copy_that_may_be_there_in_part_is_told(caplog: pytest.LogCaptureFixture) -> None:
    below = InMemoryStorage()
    put(below)
    failures(overlay(Partial(), below))
    warnings = [
        record.getMessage() for record in caplog.records if record.levelno == logging.WARNING
    ]
    assert "copy('d/a.txt'): upper may hold an incomplete file" in warnings


def test_a_copy_under_another_name_is_an_error_that_says_both() -> None:
    below = InMemoryStorage()
    put(below)
    expected = "upper stored 'd/a.txt' as 'd/a.txt.bin': nothing was deleted."
    assert failures(overlay(Renaming(), below)) == {"upper": expected}


@pytest.mark.parametrize("promote", [False, True])
def test_what_is_deleted_while_it_is_fetched_is_not_brought_back(promote: bool) -> None:
    upper, below = InMemoryStorage(), Chunked()
    put(below)
    storage = overlay(upper, below, promote=promote)
    create = storage.backends[0].create

    def create_after_a_delete(name: str, *args: Any) -> str | None:
        if name == NAME:
            upper.save(marker(NAME), ContentFile(b""))
        return create(name, *args)

    storage.backends[0].create = create_after_a_delete
    with pytest.raises(FileNotFoundError):
        storage.open(NAME, "rb" if promote else "r+b")
    assert not upper.exists(NAME)


# Whiteouts.


def test_a_whiteout_is_an_empty_file() -> None:
    upper, below = InMemoryStorage(), InMemoryStorage()
    put(below)
    overlay(upper, below).delete(NAME)
    with upper.open("d/.wh.a.txt") as file:
        assert file.read() == b""


def test_the_whiteout_of_a_name_is_no_longer_than_a_file_name_may_be() -> None:
    longest = "x" * (255 - len(".wh."))
    assert marker(f"d/{longest}") == f"d/.wh.{longest}"
    assert marker(f"d/{longest}x").startswith("d/.wh..wh.")
    assert len(marker(f"d/{longest}x")) == len("d/.wh..wh.") + 64


@pytest.mark.parametrize("name", ["a.wh.txt", "d/x.wh.y/a.txt"])
def test_a_name_with_the_prefix_in_its_midst_is_a_name_like_any_other(name: str) -> None:
    storage = overlay(InMemoryStorage(), InMemoryStorage())
    assert storage.save(name, ContentFile(b"")) == name


def test_a_whiteouts_name_is_refused_and_the_error_says_why() -> None:
    expected = "are kept for the whiteouts of an OverlayStorage. Give the file another name."
    with pytest.raises(SuspiciousFileOperation, match=expected):
        overlay(InMemoryStorage(), InMemoryStorage()).open("d/.wh.a.txt")


def test_a_whiteout_under_another_name_is_an_error_that_says_so() -> None:
    below = InMemoryStorage()
    put(below)
    with pytest.raises(StorageUnavailable) as caught:
        overlay(Renaming(), below).delete(NAME)
    expected = (
        "upper stored the whiteout 'd/.wh.a.txt' as 'd/.wh.a.txt.bin', where it hides nothing."
    )
    assert told(caught.value, "delete", NAME) == {"upper": expected}


def test_a_read_only_upper_is_named_by_a_delete() -> None:
    upper = {"BACKEND": InMemoryStorage(), "NAME": "upper", "READ_ONLY": True}
    with pytest.raises(ReadOnlyStorageError, match="upper is READ_ONLY"):
        OverlayStorage([upper, InMemoryStorage()]).delete(NAME)


class Forgetful(InMemoryStorage):
    """Lists once, and looks nothing up."""

    may_list = True
    error: Exception = DOWN

    def exists(self, name: str) -> bool:
        raise self.error

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        if not self.may_list:
            raise self.error
        self.may_list = False
        return super().listdir(path)


@pytest.mark.parametrize(("call", "name"), [("open", NAME), ("listdir", "d")])
def test_a_whiteout_that_cannot_be_looked_for_is_named(call: str, name: str) -> None:
    upper, below = Forgetful(), InMemoryStorage()
    put(below)
    upper._save("d/b.txt", ContentFile(b""))  # type: ignore[attr-defined]
    with pytest.raises(StorageUnavailable) as caught:
        getattr(overlay(upper, below), call)(name)
    unknown = caught.value.failures["lower"]
    assert isinstance(unknown, StorageUnavailable)
    assert told(unknown, "whiteout", name) == {"upper": str(DOWN)}


@pytest.mark.parametrize("error", [FULL, FileNotFoundError(errno.ENOENT, "no directory")])
def test_a_delete_that_fails_names_the_upper_and_the_name(error: OSError) -> None:
    upper, below = FaultyStorage(InMemoryStorage()), InMemoryStorage()
    put(below)
    upper.stage("save", error=error)
    with pytest.raises(StorageUnavailable) as caught:
        overlay(upper, below).delete(NAME)
    assert told(caught.value, "delete", NAME) == {"upper": str(error)}


def test_a_bucket_that_is_gone_is_no_directory_without_whiteouts() -> None:
    class NotFoundError(Exception):
        status_code = 404

    upper, below = Forgetful(), InMemoryStorage()
    upper.error = NotFoundError("no bucket")
    put(below)
    upper._save("d/b.txt", ContentFile(b""))  # type: ignore[attr-defined]
    with pytest.raises(StorageUnavailable) as caught:
        overlay(upper, below).listdir("d")
    unknown = caught.value.failures["lower"]
    assert isinstance(unknown, StorageUnavailable)
    assert told(unknown, "whiteout", "d") == {"upper": "no bucket"}


# Saves.


def test_a_backend_that_stores_under_a_name_of_another_says_so() -> None:
    first, second = Renaming(), InMemoryStorage()
    second.save(f"{NAME}.bin", ContentFile(b"second's"))
    storage = FallbackStorage(
        [{"BACKEND": first, "NAME": "1st"}, {"BACKEND": second, "NAME": "2nd"}]
    )
    expected = r"1st stored 'd/a\.txt' as 'd/a\.txt\.bin', a name that 2nd holds or may hold\."
    with pytest.raises(NameChangedError, match=expected):
        storage.save(NAME, ContentFile(b"new"))
