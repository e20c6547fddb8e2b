"""What a copy in the first backend keeps of the file that it was made of."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from fallback_storage.backend.adapters import adapter_for
from fallback_storage.storage import FallbackStorage, OverlayStorage

NAME = "d/a.txt"
LONG_AGO = 1_000_000_000.0


@pytest.fixture
def production(tmp_path: Path) -> FileSystemStorage:
    storage = FileSystemStorage(tmp_path / "production")
    storage.save(NAME, ContentFile(b"content"))
    os.utime(storage.path(NAME), (LONG_AGO, LONG_AGO))
    return storage


@pytest.fixture
def upper(tmp_path: Path) -> FileSystemStorage:
    return FileSystemStorage(tmp_path / "upper")


@pytest.mark.parametrize("timeout", [None, 60])
@pytest.mark.parametrize("cls", [OverlayStorage, FallbackStorage])
def test_a_promoted_copy_is_as_old_as_its_file(
    upper: FileSystemStorage, production: FileSystemStorage, cls: Any, timeout: float | None
) -> None:
    storage = cls([upper, {"BACKEND": production, "TIMEOUT": timeout}], promote=True)
    modified = storage.get_modified_time(NAME)
    assert modified == datetime.fromtimestamp(LONG_AGO, UTC)
    storage.open(NAME).close()
    assert upper.exists(NAME)
    assert storage.get_modified_time(NAME) == modified


def test_a_copy_that_is_changed_is_as_old_as_the_change(
    upper: FileSystemStorage, production: FileSystemStorage
) -> None:
    overlay = OverlayStorage([upper, production])
    began = time.time()
    with overlay.open(NAME, "ab") as file:
        file.write(b", changed")
    # A file system may have a coarser clock.
    assert os.stat(upper.path(NAME)).st_mtime > began - 1
    assert os.stat(production.path(NAME)).st_mtime == LONG_AGO


def test_a_file_that_tells_nothing_is_copied_all_the_same(upper: FileSystemStorage) -> None:
    memory = InMemoryStorage()
    memory.save(NAME, ContentFile(b"content"))
    OverlayStorage([upper, memory], promote=True).open(NAME).close()
    assert upper.size(NAME) == 7


def test_an_upload_that_has_a_time_of_its_own_is_new(upper: FileSystemStorage) -> None:
    content = ContentFile(b"content")
    content.modified = datetime.fromtimestamp(LONG_AGO, UTC)  # type: ignore[attr-defined]
    FallbackStorage([upper]).save(NAME, content)
    assert os.stat(upper.path(NAME)).st_mtime > LONG_AGO + 1


def test_a_file_without_a_descriptor_tells_no_time(upper: FileSystemStorage) -> None:
    assert adapter_for(upper).facts(ContentFile(b"")).modified is None


def test_a_file_whose_facts_cannot_be_read_is_copied_all_the_same(
    upper: FileSystemStorage, production: FileSystemStorage
) -> None:
    overlay = OverlayStorage([upper, production], promote=True)

    def broken(file: Any) -> Any:
        raise ValueError(file)

    overlay.backends[1].adapter.facts = broken  # type: ignore[method-assign]
    overlay.open(NAME).close()
    assert upper.size(NAME) == 7
