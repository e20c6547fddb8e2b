"""OverlayStorage with a real S3 server below, above, or both."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3Storage

from example.seaweedfs import SeaweedFS
from fallback_storage.backend.adapters import adapter_for
from fallback_storage.backend.copied import Facts
from fallback_storage.errors import UnsupportedOperation
from fallback_storage.overlay.changes import Changes
from fallback_storage.overlay.undo import Undo
from fallback_storage.storage import OverlayStorage
from fallback_storage.testing import FaultyStorage
from fallback_storage.testing.promises.material import read

from .conftest import MakeS3
from .requests import counting

NAME = "d/a.txt"


def empty(*storages: S3Storage) -> None:
    for storage in storages:
        storage.bucket.objects.all().delete()


def etags(storage: S3Storage) -> dict[str, str]:
    return {each.key: each.e_tag for each in storage.bucket.objects.all()}


def test_production_stays_as_it_was(s3: S3Storage, local: FileSystemStorage) -> None:
    s3.save(NAME, ContentFile(b"production's"))
    s3.save("b.txt", ContentFile(b"production's"))
    before = etags(s3)
    overlay = OverlayStorage(backends=[local, s3], promote=True)
    assert read(overlay, NAME) == b"production's"
    assert overlay.listdir("d") == ([], ["a.txt"])
    with overlay.open("b.txt", "ab") as file:
        file.write(b", and mine")
    assert read(overlay, "b.txt") == b"production's, and mine"
    overlay.delete(NAME)
    assert not overlay.exists(NAME)
    assert overlay.save(NAME, ContentFile(b"mine")) == NAME
    assert etags(s3) == before
    empty(s3)


def test_what_the_upper_has_costs_no_request(s3: S3Storage, local: FileSystemStorage) -> None:
    local.save(NAME, ContentFile(b"mine"))
    overlay = OverlayStorage(backends=[local, s3])
    with counting(s3) as counted:
        assert read(overlay, NAME) == b"mine"
        for method in ("exists", "size", "url", "path", "get_modified_time"):
            getattr(overlay, method)(NAME)
    assert counted.total == 0


def test_the_url_of_a_lower_file_costs_no_request(s3: S3Storage, local: FileSystemStorage) -> None:
    faulty = FaultyStorage(local)
    overlay = OverlayStorage(backends=[faulty, s3])
    with counting(s3) as counted:
        assert overlay.url(NAME, expire=60) == s3.url(NAME, expire=60)
    assert counted.total == 0
    assert [call.name for call in faulty.called("exists")] == [NAME, "d/.wh.a.txt"]


def test_a_hidden_name_costs_no_request(s3: S3Storage, local: FileSystemStorage) -> None:
    overlay = OverlayStorage(backends=[local, s3])
    local.save("d/.wh.a.txt", ContentFile(b""))
    with counting(s3) as counted:
        assert not overlay.exists(NAME)
        assert overlay.url(NAME) == local.url(NAME)
        with pytest.raises(FileNotFoundError):
            overlay.open(NAME)
    assert counted.total == 0


def test_an_upper_on_s3_keeps_the_promises(s3: S3Storage, local: FileSystemStorage) -> None:
    local.save(NAME, ContentFile(b"production's"))
    local.save("b.txt", ContentFile(b"production's"))
    overlay = OverlayStorage(backends=[s3, local], promote=True)
    assert read(overlay, "b.txt") == b"production's"
    assert read(s3, "b.txt") == b"production's"
    overlay.delete(NAME)
    assert not overlay.exists(NAME)
    assert overlay.listdir("d") == ([], [])
    assert etags(s3).keys() == {"b.txt", "d/.wh.a.txt"}
    overlay.save(NAME, ContentFile(b"mine"))
    assert read(overlay, NAME) == b"mine"
    assert read(local, NAME) == b"production's"
    empty(s3)


@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_s3_says_that_it_changes_no_file_in_place(
    s3: S3Storage, local: FileSystemStorage, mode: str
) -> None:
    local.save(NAME, ContentFile(b"production's"))
    with pytest.raises(UnsupportedOperation, match="cannot change a file in place"):
        OverlayStorage(backends=[s3, local]).open(NAME, mode)
    assert etags(s3) == {}


def test_a_copy_is_made_only_where_there_is_none(s3: S3Storage) -> None:
    upper, _ = OverlayStorage(backends=[s3, FileSystemStorage("/nowhere")]).backends
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: upper.create(NAME, ContentFile(b"%d" % n), None), range(8)))
    assert made.count(None) == 7
    assert read(s3, NAME) == b"%d" % made.index(NAME)
    assert not upper.create("b.txt", ContentFile(b""), lambda: True)
    empty(s3)


def test_what_else_s3_says_when_a_copy_is_made_is_raised(make_s3: MakeS3) -> None:
    nowhere = make_s3("no-such-bucket")
    upper, _ = OverlayStorage(backends=[nowhere, FileSystemStorage("/nowhere")]).backends
    with pytest.raises(ClientError, match="NoSuchBucket"):
        upper.create(NAME, ContentFile(b"a"), None)


class OwnS3Storage(S3Storage):  # type: ignore[misc]
    """A subclass, which may store in a way of its own."""


def test_a_subclass_of_s3_stores_in_its_own_way(
    seaweedfs: SeaweedFS, bucket: str, s3: S3Storage, local: FileSystemStorage
) -> None:
    upper = OwnS3Storage(**seaweedfs.storage_options(bucket))
    own, _ = OverlayStorage(backends=[upper, local]).backends
    assert own.create(NAME, ContentFile(b"first"), None)
    assert not own.create(NAME, ContentFile(b"second"), None)
    assert read(s3, NAME) == b"first"
    empty(s3)


def test_production_on_s3_under_an_upper_on_s3(
    s3: S3Storage, make_s3: MakeS3, other_bucket: str
) -> None:
    production = make_s3(other_bucket)
    production.save(NAME, ContentFile(b"production's"))
    before = etags(production)
    overlay = OverlayStorage(backends=[s3, production], promote=True)
    assert read(overlay, NAME) == b"production's"
    overlay.delete(NAME)
    assert not overlay.exists(NAME)
    assert etags(production) == before
    empty(s3, production)


def test_a_promoted_copy_keeps_its_type_and_is_as_old_as_its_object(
    make_s3: MakeS3, bucket: str, other_bucket: str, local: FileSystemStorage
) -> None:
    production, upper = make_s3(bucket), make_s3(other_bucket)
    production.bucket.put_object(Key="a.bin", Body=b"content", ContentType="image/x-odd")
    modified = production.get_modified_time("a.bin")
    on_disk = OverlayStorage(backends=[local, production], promote=True)
    with counting() as requests:
        on_disk.open("a.bin").close()
    assert dict(requests.by_operation) == {"GetObject": 1}
    assert local.get_modified_time("a.bin") == modified
    OverlayStorage(backends=[upper, production], promote=True).open("a.bin").close()
    assert upper.bucket.Object("a.bin").content_type == "image/x-odd"
    for storage in (production, upper):
        storage.delete("a.bin")


def test_a_file_of_s3_that_tells_nothing_yet_is_asked_nothing(s3: S3Storage) -> None:
    with counting(s3) as requests:
        assert adapter_for(s3).facts(ContentFile(b"")) == Facts()
    assert requests.total == 0


def test_what_an_overlay_changed_of_a_bucket_is_listed_and_taken_back(
    make_s3: MakeS3, bucket: str, s3: S3Storage, local: FileSystemStorage
) -> None:
    for name in ("d/a.txt", "d/b.txt", "d/c.txt"):
        s3.save(name, ContentFile(name.encode()))
    overlay = OverlayStorage(backends=[local, make_s3(bucket)], promote=True)
    overlay.open("d/a.txt").close()
    overlay.delete("d/b.txt")
    overlay.delete("d/c.txt")
    overlay.save("d/c.txt", ContentFile(b"another one"))
    overlay.save("d/e.txt", ContentFile(b"new"))
    changes = Changes(overlay.members)
    with counting() as requests:
        found = {change.name: change for change in changes}
    # A copy as old as its object is not read to be compared.
    assert requests.by_operation.keys() == {"HeadObject"}
    kinds = {name: str(change.kind) for name, change in found.items()}
    assert kinds == {
        "d/a.txt": "promoted",
        "d/b.txt": "deleted",
        "d/c.txt": "changed",
        "d/e.txt": "added",
    }
    undo = Undo(overlay.members, changes)
    with counting() as requests:
        assert undo.prune(found["d/a.txt"]).kept is None
        for name in ("d/b.txt", "d/c.txt", "d/e.txt"):
            assert undo.discard(found[name]).kept is None
    assert requests.by_operation.keys() == {"HeadObject", "GetObject"}
    assert [*changes] == []
    assert read(overlay, "d/c.txt") == b"d/c.txt"
    for name in ("d/a.txt", "d/b.txt", "d/c.txt"):
        s3.delete(name)
