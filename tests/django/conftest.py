from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage
from fallback_storage.testing.promises.material import put

from .documents import CONTENT
from .models import Document
from .override import override_storages


class MakeDisk(Protocol):
    """Builds a storage over a folder of its own below the test's temporary directory."""

    def __call__(self, folder: str, **options: Any) -> FileSystemStorage: ...


@pytest.fixture
def make_disk(tmp_path: Path) -> MakeDisk:
    def make(folder: str, **options: Any) -> FileSystemStorage:
        options.setdefault("base_url", f"/{folder}/")
        return FileSystemStorage(tmp_path / folder, **options)

    return make


@pytest.fixture
def uploads(make_disk: MakeDisk) -> FaultyStorage:
    """A disk."""
    return FaultyStorage(make_disk("uploads"))


@pytest.fixture
def production(make_disk: MakeDisk) -> RemoteFaultyStorage:
    """A server: it has no local paths."""
    return RemoteFaultyStorage(make_disk("production"))


@pytest.fixture
def combined_default(uploads: FaultyStorage, production: RemoteFaultyStorage) -> Iterator[None]:
    """The default storage: uploads, then production, which is not to be written."""
    backends = [uploads, {"BACKEND": production, "READ_ONLY": True, "NAME": "production"}]
    combined = {
        "BACKEND": "fallback_storage.storage.FallbackStorage",
        "OPTIONS": {"backends": backends},
    }
    with override_storages({"default": combined}):
        yield


@pytest.fixture
def in_production(production: RemoteFaultyStorage, db: None) -> Document:
    """A document whose file lies in production only."""
    put(production, "documents/minutes.txt", CONTENT)
    production.forget()
    return Document.objects.create(title="Minutes", file="documents/minutes.txt")


@pytest.fixture
def first() -> FaultyStorage:
    return FaultyStorage(InMemoryStorage())


@pytest.fixture
def second() -> FaultyStorage:
    return FaultyStorage(InMemoryStorage())


@pytest.fixture
def storage(first: FaultyStorage, second: FaultyStorage) -> FallbackStorage:
    """The first, named disk, and the second, named cloud."""
    return FallbackStorage(
        [{"BACKEND": first, "NAME": "disk"}, {"BACKEND": second, "NAME": "cloud"}]
    )
