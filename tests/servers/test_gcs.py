"""FallbackStorage and OverlayStorage over Google Cloud Storage's real client."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from fallback_storage.backend.adapters import adapter_for
from fallback_storage.storage import FallbackStorage, OverlayStorage

from .files import put, read
from .gcs import FakeGCS, LoopbackStorage

BUCKET = "bucket"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeGCS]:
    with FakeGCS(tmp_path_factory.mktemp("gcs")) as running:
        running.client().create_bucket(BUCKET)
        yield running


class MakeGCS:
    """Builds storages over the server, each over a folder that is new in each test."""

    def __init__(self, server: FakeGCS, location: str) -> None:
        self._server = server
        self._location = location

    def __call__(
        self, cls: type[LoopbackStorage] = LoopbackStorage, **options: Any
    ) -> LoopbackStorage:
        return cls(self._server, BUCKET, location=self._location, **options)


@pytest.fixture
def make_gcs(server: FakeGCS, tmp_path: Path) -> MakeGCS:
    return MakeGCS(server, tmp_path.name)


@pytest.fixture
def gcs(make_gcs: MakeGCS) -> LoopbackStorage:
    return make_gcs(file_overwrite=False)


def create(storage: LoopbackStorage, content: bytes, name: str = "d/a.txt") -> str | None:
    return adapter_for(storage).create(name, ContentFile(content), None)


def test_a_taken_name_is_not_created(gcs: LoopbackStorage) -> None:
    assert create(gcs, b"first") == "d/a.txt"
    assert create(gcs, b"second") is None
    assert read(gcs, "d/a.txt") == b"first"


def test_a_create_is_one_upload_and_no_look(gcs: LoopbackStorage) -> None:
    created = len(gcs.requests)
    create(gcs, b"first")
    of_objects = [request for request in gcs.requests[created:] if f"/b/{BUCKET}/o" in request]
    assert [request.split()[0] for request in of_objects] == ["POST"]


@pytest.mark.parametrize("size", [0, 1, 9_000_000])
def test_a_file_of_any_size_is_created_whole_and_once(gcs: LoopbackStorage, size: int) -> None:
    content = os.urandom(size)
    assert create(gcs, content) == "d/a.txt"
    assert create(gcs, b"second") is None
    assert read(gcs, "d/a.txt") == content


def test_what_a_copy_would_undo_is_not_created(gcs: LoopbackStorage) -> None:
    adapter = adapter_for(gcs)
    assert adapter.create("d/a.txt", ContentFile(b"copy"), lambda: True) is None
    assert not gcs.exists("d/a.txt")


def test_the_owners_parameters_are_kept(make_gcs: MakeGCS) -> None:
    gcs = make_gcs(
        gzip=True,
        gzip_content_types=("text/plain",),
        object_parameters={"cache_control": "max-age=60"},
    )
    assert create(gcs, b"text" * 1000) == "d/a.txt"
    blob = gcs.bucket.get_blob(gcs._normalize_name("d/a.txt"))
    assert (blob.cache_control, blob.content_encoding) == ("max-age=60", "gzip")
    assert blob.content_type == "text/plain"
    assert read(gcs, "d/a.txt") == b"text" * 1000


def test_the_storage_itself_overwrites_as_before(make_gcs: MakeGCS) -> None:
    gcs = make_gcs()
    create(gcs, b"first")
    assert gcs.save("d/a.txt", ContentFile(b"second")) == "d/a.txt"
    assert read(gcs, "d/a.txt") == b"second"


def test_a_subclass_that_saves_in_a_way_of_its_own_is_looked_at_first(make_gcs: MakeGCS) -> None:
    class Shouting(LoopbackStorage):
        def _save(self, name: str, content: Any) -> str:
            stored: str = super()._save(name, ContentFile(content.read().upper()))
            return stored

    gcs = make_gcs(Shouting)
    assert create(gcs, b"first") == "d/a.txt"
    assert create(gcs, b"second") is None
    assert read(gcs, "d/a.txt") == b"FIRST"


def test_two_savers_who_meet_get_two_names(make_gcs: MakeGCS) -> None:
    """The other one saves between the look at the name and the upload."""
    gcs, another = make_gcs(file_overwrite=False), make_gcs(file_overwrite=False)
    storage, other = FallbackStorage([gcs]), FallbackStorage([another])
    backend = storage.backends[0]
    real = backend.create
    names: list[str] = []

    def create_after_the_other(name: str, *args: Any) -> str | None:
        if not names:
            names.append(put(other, name, b"other's"))
        return real(name, *args)

    backend.create = create_after_the_other
    names.append(put(storage, "d/a.txt", b"mine"))
    assert len(set(names)) == 2
    assert [read(storage, name) for name in names] == [b"other's", b"mine"]


def test_a_copy_up_replaces_nothing_newer(gcs: LoopbackStorage, local: FileSystemStorage) -> None:
    put(local, "d/a.txt", b"production's")
    overlay = OverlayStorage([gcs, local], promote=True)
    backend = overlay.backends[0]
    real = backend.create

    def create_after_a_save(name: str, *args: Any) -> str | None:
        gcs._save(name, ContentFile(b"newer"))
        return real(name, *args)

    backend.create = create_after_a_save
    assert read(overlay, "d/a.txt") == b"newer"


def test_a_deleted_file_stays_deleted_until_it_is_saved(
    gcs: LoopbackStorage, local: FileSystemStorage
) -> None:
    put(local, "d/a.txt", b"production's")
    overlay = OverlayStorage([gcs, local])
    overlay.delete("d/a.txt")
    assert not overlay.exists("d/a.txt")
    assert overlay.listdir("d") == ([], [])
    assert overlay.save("d/a.txt", ContentFile(b"mine")) == "d/a.txt"
    assert read(overlay, "d/a.txt") == b"mine"
    assert read(local, "d/a.txt") == b"production's"


def test_a_missing_file_falls_back(gcs: LoopbackStorage, local: FileSystemStorage) -> None:
    put(local, "d/a.txt")
    storage = FallbackStorage([gcs, local])
    assert read(storage, "d/a.txt") == b"content"
    assert storage.size("d/a.txt") == len(b"content")
    for question in (storage.open, storage.size, storage.get_modified_time):
        with pytest.raises(FileNotFoundError):
            question("nowhere.txt")


def test_a_promoted_copy_is_as_old_as_its_blob(
    gcs: LoopbackStorage, local: FileSystemStorage
) -> None:
    put(gcs, "a.txt", b"content")
    modified = gcs.get_modified_time("a.txt")
    OverlayStorage([local, gcs], promote=True).open("a.txt").close()
    assert local.get_modified_time("a.txt") == modified
    assert read(local, "a.txt") == b"content"
