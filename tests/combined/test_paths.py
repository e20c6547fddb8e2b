"""Local paths: who is asked for one, and what it says of the storage."""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage

from fallback_storage.errors import UnsupportedOperation
from fallback_storage.negative_cache import NegativeCache
from fallback_storage.storage import FallbackStorage, OverlayStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage
from tests.remotes import remote

NAME = "photos/a.jpg"
Build = Callable[[Storage, Storage], Storage]

DOWN = OSError(errno.ECONNREFUSED, "refused")


@pytest.fixture
def disk(tmp_path: Path) -> FileSystemStorage:
    return FileSystemStorage(tmp_path / "disk")


@pytest.fixture
def server() -> RemoteFaultyStorage:
    return remote()


def came_to(storage: Storage, name: str) -> str:
    """The path below the disk, ``"none"`` where there is none."""
    try:
        return storage.path(name).partition("/disk/")[2]
    except NotImplementedError:
        return "none"


def overlay(disk: Storage, server: Storage) -> Storage:
    return OverlayStorage([disk, server])


def promoting(disk: Storage, server: Storage) -> Storage:
    return OverlayStorage([disk, server], promote=True)


def promoting_others(disk: Storage, server: Storage) -> Storage:
    return OverlayStorage([disk, server], promote={"exclude": ["photos/*"]})


def with_a_disk_between(disk: Storage, server: Storage) -> Storage:
    assert isinstance(disk, FileSystemStorage)
    return OverlayStorage([disk, FileSystemStorage(Path(disk.location) / "lower"), server])


def server_first(disk: Storage, server: Storage) -> Storage:
    return FallbackStorage([server, disk])


def disk_first(disk: Storage, server: Storage) -> Storage:
    return FallbackStorage([disk, server])


def read_only_disk_first(disk: Storage, server: Storage) -> Storage:
    return FallbackStorage([{"BACKEND": disk, "READ_ONLY": True}, server])


#: The path of a file in the place, and how often the server was asked for it.
PATHS: list[tuple[Build, str, str, int]] = [
    (overlay, "disk", NAME, 0),
    (overlay, "server", "none", 0),
    (overlay, "nowhere", "none", 0),
    (with_a_disk_between, "nowhere", "none", 0),
    (promoting_others, "server", "none", 0),
    (server_first, "nowhere", "none", 0),
    (server_first, "server", "none", 0),
    (server_first, "disk", NAME, 1),  # The server may have it too, and comes first.
    (read_only_disk_first, "nowhere", "none", 0),
    (read_only_disk_first, "disk", NAME, 0),
    (disk_first, "disk", NAME, 0),
    (disk_first, "server", "none", 1),
    (disk_first, "nowhere", NAME, 1),
]


@pytest.mark.parametrize(("build", "place", "expected", "asked"), PATHS)
def test_a_path_asks_a_server_only_where_its_answer_can_lead_to_one(
    build: Build,
    place: str,
    expected: str,
    asked: int,
    disk: FileSystemStorage,
    server: RemoteFaultyStorage,
) -> None:
    if place != "nowhere":
        (disk if place == "disk" else server).save(NAME, ContentFile(b"1"))
    server.forget()
    assert came_to(build(disk, server), NAME) == expected
    assert len(server.calls) == asked


@pytest.mark.parametrize("build", sorted({build for build, *_ in PATHS} | {promoting}, key=str))
@pytest.mark.parametrize("place", ["nowhere", "server"])
def test_an_outage_is_no_path_and_no_error(
    build: Build, place: str, disk: FileSystemStorage, server: RemoteFaultyStorage
) -> None:
    if place == "server":
        server.save(NAME, ContentFile(b"1"))
    server.stage("*", error=DOWN)
    with pytest.raises(UnsupportedOperation):
        build(disk, server).path(NAME)


@pytest.mark.parametrize("build", [overlay, promoting, server_first])
def test_whether_a_storage_is_local_does_not_change_in_an_outage(
    build: Build, disk: FileSystemStorage, server: RemoteFaultyStorage
) -> None:
    healthy = came_to(build(disk, server), "test")
    server.stage("*", error=DOWN)
    assert came_to(build(disk, server), "test") == healthy == "none"


@pytest.mark.parametrize(("build", "expected"), [(promoting, "none"), (disk_first, "test")])
def test_a_name_that_is_nowhere_is_asked_for_once_in_a_moment(
    build: Build, expected: str, disk: FileSystemStorage, server: RemoteFaultyStorage
) -> None:
    storage, instant = build(disk, server), [0.0]
    members = storage.members  # type: ignore[attr-defined]
    nowhere = NegativeCache(5.0, lambda: instant[0])
    storage._built = storage._built[0], dataclasses.replace(members, nowhere=nowhere)  # type: ignore[attr-defined]
    assert [came_to(storage, "test") for _ in range(9)] == [expected] * 9
    asked = len(server.calls)
    assert 0 < asked <= 2
    instant[0] = 5.0
    came_to(storage, "test")
    assert len(server.calls) == 2 * asked


def test_what_was_nowhere_is_asked_for_again_once_a_write_of_it_began(
    disk: FileSystemStorage, server: RemoteFaultyStorage
) -> None:
    storage = FallbackStorage([disk, server])
    assert came_to(storage, NAME) == NAME
    server.save(NAME, ContentFile(b"1"))  # As another process would.
    assert came_to(storage, NAME) == NAME
    storage.delete(NAME)
    assert server.wrapped.exists(NAME)
    assert came_to(storage, NAME) == "none"


def test_a_name_that_a_disk_rejects_is_rejected(
    disk: FileSystemStorage, server: RemoteFaultyStorage
) -> None:
    wary = FaultyStorage(disk)
    wary.stage("exists", error=SuspiciousFileOperation("no"))
    with pytest.raises(SuspiciousFileOperation):
        FallbackStorage([wary, server]).path(NAME)
