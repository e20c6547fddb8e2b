"""An overlay over a disk and a server that can fail, and what the doctor finds of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.core.files.storage import FileSystemStorage

from fallback_storage.diagnosis.diagnosis import Questions, diagnose
from fallback_storage.diagnosis.finding import Finding
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage
from tests.django.override import override_storages

OVERLAY = "fallback_storage.storage.OverlayStorage"


@pytest.fixture
def uploads(tmp_path: Path) -> FaultyStorage:
    return FaultyStorage(FileSystemStorage(tmp_path / "uploads", base_url="/media/"))


@pytest.fixture
def production(tmp_path: Path) -> RemoteFaultyStorage:
    """A server, whose files this site serves itself."""
    return RemoteFaultyStorage(FileSystemStorage(tmp_path / "production", base_url="/media/"))


@pytest.fixture(autouse=True)
def overlay(
    uploads: FaultyStorage, production: RemoteFaultyStorage, settings: Any
) -> Iterator[None]:
    """The default storage: uploads over production, served below MEDIA_URL."""
    settings.ROOT_URLCONF = "tests.diagnosis.urls"
    backends = [
        {"BACKEND": uploads, "NAME": "uploads"},
        {"BACKEND": production, "NAME": "production"},
    ]
    default = {"BACKEND": OVERLAY, "OPTIONS": {"backends": backends}}
    with override_storages({"default": default}):
        yield


class Found(Protocol):
    """Asks the doctor, and returns what it finds by its code: the worst of each."""

    def __call__(self, alias: str = "default", **questions: Any) -> dict[str, Finding]: ...


@pytest.fixture
def found() -> Found:
    def found(alias: str = "default", **questions: Any) -> dict[str, Finding]:
        findings = diagnose(alias, OVERLAY, Questions(**questions)).findings
        return {each.code: each for each in findings}

    return found
