"""OverlayStorage over a public media URL: everything stays on the disk, the site is only asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from fallback_storage.errors import StorageUnavailable
from fallback_storage.overlay.changes import Changes, Kind
from fallback_storage.overlay.undo import Undo
from fallback_storage.storage import OverlayStorage
from fallback_storage.testing.promises.material import read

from .conftest import MakeHTTP
from .site import Site

NAME = "d/there.jpg"


@pytest.fixture
def overlay(site: Site, local: FileSystemStorage, make_http: MakeHTTP) -> Iterator[OverlayStorage]:
    """Over a site that is only ever asked, whatever a test does."""
    site.files[NAME] = b"production's"
    yield OverlayStorage(backends=[local, {"BACKEND": make_http(), "NAME": "production"}])
    assert {method for method, _ in site.asked} <= {"GET", "HEAD"}
    assert site.files == {NAME: b"production's"}


def test_the_site_serves_what_the_disk_lacks(site: Site, overlay: OverlayStorage) -> None:
    assert read(overlay, NAME) == b"production's"
    assert overlay.exists(NAME)
    assert overlay.size(NAME) == 12
    assert overlay.locate(NAME) == "production"
    assert not overlay.exists("d/nowhere.jpg")


def test_what_the_disk_has_costs_the_site_nothing(site: Site, overlay: OverlayStorage) -> None:
    overlay.save("d/here.jpg", ContentFile(b"local"))
    site.asked.clear()
    assert read(overlay, "d/here.jpg") == b"local"
    assert overlay.exists("d/here.jpg")
    assert overlay.url(NAME) == site.base_url + NAME
    assert site.asked == []


def test_a_deleted_file_stays_deleted(site: Site, overlay: OverlayStorage) -> None:
    overlay.delete(NAME)
    assert not overlay.exists(NAME)
    with pytest.raises(FileNotFoundError):
        overlay.open(NAME)
    assert overlay.save(NAME, ContentFile(b"again")) == NAME
    assert site.files[NAME] == b"production's"


@pytest.mark.parametrize(("mode", "content"), [("ab", b"production's!"), ("r+b", b"!roduction's")])
def test_a_change_is_made_to_a_copy(
    site: Site, overlay: OverlayStorage, mode: str, content: bytes
) -> None:
    with overlay.open(NAME, mode) as file:
        file.write(b"!")
    assert read(overlay, NAME) == content
    assert overlay.locate(NAME) == "FileSystemStorage"
    assert site.files[NAME] == b"production's"


def test_what_is_promoted_is_fetched_once(
    site: Site, local: FileSystemStorage, make_http: MakeHTTP
) -> None:
    site.files[NAME] = b"production's"
    overlay = OverlayStorage(backends=[local, make_http()], promote=True)
    assert [read(overlay, NAME) for _ in range(3)] == [b"production's"] * 3
    assert len(site.asked) == 1
    assert read(local, NAME) == b"production's"


def test_a_site_that_is_down_is_not_a_missing_file(site: Site, overlay: OverlayStorage) -> None:
    overlay.save("d/here.jpg", ContentFile(b"local"))
    site.says(503)
    assert read(overlay, "d/here.jpg") == b"local"
    for ask in (overlay.open, overlay.exists, overlay.size):
        with pytest.raises(StorageUnavailable) as caught:
            ask(NAME)
        assert list(caught.value.failures) == ["production"]
    overlay.delete(NAME)  # Gone all the same: who could not be asked may have it.
    site.says(200)
    assert not overlay.exists(NAME)


def test_a_promoted_copy_is_as_old_as_the_site_says(
    site: Site, make_http: MakeHTTP, local: FileSystemStorage
) -> None:
    site.files["a.txt"] = b"content"
    overlay = OverlayStorage([local, make_http()], promote=True)
    modified = overlay.get_modified_time("a.txt")
    overlay.open("a.txt").close()
    assert local.get_modified_time("a.txt") == modified


def test_what_an_overlay_changed_of_a_site_is_listed_and_taken_back(
    site: Site, overlay: OverlayStorage
) -> None:
    overlay.delete(NAME)
    overlay.save(NAME, ContentFile(b"another"))
    overlay.save("d/new.jpg", ContentFile(b"new"))
    changes = Changes(overlay.members)
    found = [*changes]
    assert [(each.name, each.kind, each.below) for each in found] == [
        ("d/new.jpg", Kind.ADDED, None),
        (NAME, Kind.CHANGED, "production"),
    ]
    undo = Undo(overlay.members, changes)
    assert [undo.discard(each).kept for each in found] == [None, None]
    assert read(overlay, NAME) == b"production's"
    site.answer = lambda request: request.reply(503)
    overlay.delete(NAME)
    assert [each.kind for each in changes] == [Kind.UNKNOWN]
