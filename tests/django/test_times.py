"""Times: naive and local where the original had them, aware where Django has them."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.files.storage import FileSystemStorage
from django.test import override_settings

from fallback_storage.errors import UnsupportedOperation
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage
from fallback_storage.testing.promises.material import put

KINDS = ["accessed", "created", "modified"]
ZONES = ["America/Chicago", "UTC", "Asia/Kathmandu"]
#: In summer, when Chicago is five hours behind UTC.
NOON = datetime(2024, 7, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def storage(tmp_path: Path) -> FallbackStorage:
    """A disk with a file of `NOON`, after one without it."""
    disk = FileSystemStorage(location=tmp_path / "disk")
    put(disk, "a.txt")
    os.utime(disk.path("a.txt"), (NOON.timestamp(), NOON.timestamp()))
    return FallbackStorage([FileSystemStorage(location=tmp_path / "empty"), disk])


def now_in(zone: str) -> datetime:
    return datetime.now(ZoneInfo(zone))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize("kind", ["accessed", "modified"])
def test_the_originals_times_are_naive_and_local(
    storage: FallbackStorage, kind: str, use_tz: bool, zone: str
) -> None:
    with override_settings(USE_TZ=use_tz, TIME_ZONE=zone):
        time = getattr(storage, f"{kind}_time")("a.txt")
    assert time == NOON.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@pytest.mark.parametrize("use_tz", [True, False])
def test_the_originals_created_time_is_naive_and_local(
    storage: FallbackStorage, use_tz: bool
) -> None:
    with override_settings(USE_TZ=use_tz, TIME_ZONE="Asia/Kathmandu"):
        time = storage.created_time("a.txt")
    ago = now_in("Asia/Kathmandu").replace(tzinfo=None) - time
    assert abs(ago.total_seconds()) < 60


@override_settings(USE_TZ=False, TIME_ZONE="America/Chicago")
def test_the_originals_time_is_chicagos_in_chicago(storage: FallbackStorage) -> None:
    assert storage.modified_time("a.txt") == datetime(2024, 7, 1, 7, 0)


@pytest.mark.parametrize("zone", ZONES)
def test_times_are_aware_with_time_zones(storage: FallbackStorage, zone: str) -> None:
    with override_settings(USE_TZ=True, TIME_ZONE=zone):
        assert storage.get_modified_time("a.txt") == NOON
        assert storage.get_accessed_time("a.txt") == NOON
        created = storage.get_created_time("a.txt")
    assert abs((now_in(zone) - created).total_seconds()) < 60


@pytest.mark.parametrize("zone", ZONES)
def test_times_are_naive_and_local_without_time_zones(storage: FallbackStorage, zone: str) -> None:
    local = NOON.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    with override_settings(USE_TZ=False, TIME_ZONE=zone):
        assert storage.get_modified_time("a.txt") == local
        assert storage.get_accessed_time("a.txt") == local
        assert storage.get_created_time("a.txt").tzinfo is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_file_has_no_time(storage: FallbackStorage, kind: str) -> None:
    for method in (f"{kind}_time", f"get_{kind}_time"):
        with pytest.raises(FileNotFoundError):
            getattr(storage, method)("no.txt")


def without_times(disk: FileSystemStorage) -> FaultyStorage:
    """The disk, as a storage that says it has no times."""
    storage = FaultyStorage(disk)
    for kind in KINDS:
        storage.stage(f"get_{kind}_time", error=NotImplementedError)
    return storage


class Undated(FileSystemStorage):
    """Has no such methods at all."""

    @property
    def get_modified_time(self) -> Any:
        raise AttributeError("get_modified_time")

    get_accessed_time = get_created_time = get_modified_time


@pytest.mark.parametrize("kind", KINDS)
def test_a_backend_without_times_is_passed_over(
    storage: FallbackStorage, kind: str, tmp_path: Path
) -> None:
    disk = storage.backends[1].storage
    first = FileSystemStorage(location=tmp_path / "first")
    put(first, "a.txt")
    over = FallbackStorage([Undated(first.location), without_times(first), disk])
    for method in (f"{kind}_time", f"get_{kind}_time"):
        assert getattr(over, method)("a.txt") == getattr(storage, method)("a.txt")


@pytest.mark.parametrize("kind", KINDS)
def test_a_time_that_no_backend_knows_is_unsupported(kind: str, tmp_path: Path) -> None:
    disk = FileSystemStorage(location=tmp_path)
    put(disk, "a.txt")
    storage = FallbackStorage([Undated(tmp_path), without_times(disk)])
    for method in (f"{kind}_time", f"get_{kind}_time"):
        with pytest.raises(UnsupportedOperation):
            getattr(storage, method)("a.txt")
