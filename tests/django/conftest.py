from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest
from django.core.files.storage import FileSystemStorage

from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage


class MakeDisk(Protocol):
    """Builds a storage over a folder of its own below the test's temporary directory."""

    def __call__(self, folder: str, **options: Any) -> FileSystemStorage: ...


@pytest.fixture
def make_disk(tmp_path: Path) -> MakeDisk:
    def make(folder: str, **options: Any) -> FileSystemStorage:
        options = {"location": tmp_path / folder, "base_url": f"/{folder}/"} | options
        return FileSystemStorage(**options)

    return make


@pytest.fixture
def uploads(make_disk: MakeDisk) -> FaultyStorage:
    """A disk."""
    return FaultyStorage(make_disk("uploads"))


@pytest.fixture
def production(make_disk: MakeDisk) -> RemoteFaultyStorage:
    """A server: it has no local paths."""
    return RemoteFaultyStorage(make_disk("production"))
