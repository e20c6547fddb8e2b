"""FileField and ImageField over a combined storage."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.images import ImageFile
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.test import override_settings
from PIL import Image

from fallback_storage.errors import StorageUnavailable
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage
from fallback_storage.testing.promises.material import put, read, temporary_upload

from .models import Document, Picture

pytestmark = pytest.mark.django_db

CONTENT = b"minutes of the meeting\n" * 10_000


@pytest.fixture(autouse=True)
def default(uploads: FaultyStorage, production: RemoteFaultyStorage) -> Iterator[None]:
    """The default storage: uploads, then production, which is not to be written."""
    backends = [uploads, {"BACKEND": production, "READ_ONLY": True, "NAME": "production"}]
    combined = {
        "BACKEND": "fallback_storage.storage.FallbackStorage",
        "OPTIONS": {"backends": backends},
    }
    with override_settings(STORAGES={"default": combined}):
        yield


@pytest.fixture
def in_production(production: RemoteFaultyStorage) -> Document:
    """A document whose file lies in production only."""
    put(production, "documents/minutes.txt", CONTENT)
    production.forget()
    return Document.objects.create(file="documents/minutes.txt")


def saved(name: str = "minutes.txt", content: bytes = CONTENT) -> Document:
    return Document.objects.create(file=ContentFile(content, name))


def png(width: int, height: int) -> ContentFile[bytes]:
    drawn = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(drawn, "PNG")
    return ContentFile(drawn.getvalue(), "drawn.png")


def again(document: Document) -> Document:
    return Document.objects.get(pk=document.pk)


# Save, read, replace, delete.


def test_a_file_is_saved_into_the_first_backend(
    uploads: FaultyStorage, production: RemoteFaultyStorage
) -> None:
    document = saved()
    assert document.file.name == "documents/minutes.txt"
    assert read(uploads, "documents/minutes.txt") == CONTENT
    assert not production.exists("documents/minutes.txt")


def test_a_file_that_lies_in_production_is_read(in_production: Document) -> None:
    file = again(in_production).file
    assert file.read() == CONTENT
    assert file.size == len(CONTENT)
    assert file.url == "/production/documents/minutes.txt"
    file.close()


def test_a_file_is_read_in_chunks_and_again_from_the_start(in_production: Document) -> None:
    with again(in_production).file as file:
        assert b"".join(file.chunks(1000)) == CONTENT
        file.seek(0)
        assert file.read(7) == b"minutes"


def test_a_file_is_closed_and_opened_again(in_production: Document) -> None:
    file = again(in_production).file
    for _ in range(2):
        with file.open("rb"):
            assert file.read() == CONTENT
        assert file.closed


def test_a_local_file_has_a_path_and_a_remote_one_has_not(in_production: Document) -> None:
    with open(saved("local.txt").file.path, "rb") as file:
        assert file.read() == CONTENT
    with pytest.raises(NotImplementedError):
        _ = in_production.file.path


def test_a_name_that_production_holds_is_taken(
    in_production: Document, production: RemoteFaultyStorage
) -> None:
    document = saved(content=b"new")
    assert document.file.name != in_production.file.name
    assert again(in_production).file.read() == CONTENT
    assert production.mutations == []


def test_a_replaced_file_is_the_new_one_and_the_old_one_stays(in_production: Document) -> None:
    old = in_production.file.name
    in_production.file.save("minutes.txt", ContentFile(b"corrected"))
    document = again(in_production)
    assert document.file.read() == b"corrected"
    document.file.close()
    assert document.file.storage.open(old).read() == CONTENT


def test_a_deleted_file_is_gone_from_the_first_backend(uploads: FaultyStorage) -> None:
    document = saved()
    document.file.delete()
    assert not again(document).file
    assert not uploads.exists("documents/minutes.txt")


def test_production_keeps_what_is_deleted(
    in_production: Document, production: RemoteFaultyStorage
) -> None:
    in_production.file.delete()
    assert not again(in_production).file
    assert production.exists("documents/minutes.txt")
    assert production.mutations == []


def test_a_missing_file_is_missing_and_an_unknown_one_is_not(
    production: RemoteFaultyStorage,
) -> None:
    document = Document.objects.create(file="documents/nowhere.txt")
    with pytest.raises(FileNotFoundError):
        document.file.open()
    production.refusing()
    with pytest.raises(ConnectionRefusedError):
        document.file.open()


def test_an_unwritable_disk_stores_nothing_and_names_nothing(
    uploads: FaultyStorage, production: RemoteFaultyStorage
) -> None:
    uploads.stage("save", error=FileNotFoundError)
    with pytest.raises(StorageUnavailable):
        saved()
    assert not Document.objects.exists()
    assert production.mutations == []


# Names that are nearly too long: 40 characters with "documents/".


def test_a_name_of_just_the_length_is_kept() -> None:
    name = "n" * 26 + ".txt"
    assert saved(name).file.name == f"documents/{name}"


def test_a_name_that_is_too_long_is_cut() -> None:
    document = saved("n" * 60 + ".txt")
    assert len(document.file.name) <= 40
    assert document.file.name.endswith(".txt")
    assert again(document).file.read() == CONTENT


def test_a_taken_name_of_just_the_length_is_cut_for_its_suffix(
    production: RemoteFaultyStorage,
) -> None:
    name = "n" * 26 + ".txt"
    put(production, f"documents/{name}")
    document = saved(name)
    assert document.file.name != f"documents/{name}"
    assert len(document.file.name) <= 40


def test_a_name_with_no_room_for_its_root_is_refused() -> None:
    with pytest.raises(SuspiciousFileOperation):
        saved("n." + "x" * 60)


# Kinds of content.


def test_an_upload_that_a_validator_has_read_is_saved_whole() -> None:
    upload = SimpleUploadedFile("minutes.txt", CONTENT)
    assert upload.read() == CONTENT
    assert again(Document.objects.create(file=upload)).file.read() == CONTENT


def test_a_large_upload_that_a_validator_has_read_is_saved_whole() -> None:
    with temporary_upload(CONTENT) as upload:
        assert upload.read(100)
        assert again(Document.objects.create(file=upload)).file.read() == CONTENT


def test_a_large_upload_is_still_there_when_the_request_ends() -> None:
    with temporary_upload(CONTENT) as upload:
        Document.objects.create(file=upload)
        upload.seek(0)
        assert upload.read() == CONTENT


@pytest.mark.parametrize("whole", [True, False])
def test_an_upload_reaches_the_second_disk_whole_when_the_first_breaks_down(
    uploads: FaultyStorage, production: RemoteFaultyStorage, whole: bool
) -> None:
    combined = {
        "BACKEND": "fallback_storage.storage.FallbackStorage",
        "OPTIONS": {"backends": [uploads, production]},
    }
    uploads.stage("save", partial=100)
    with temporary_upload(CONTENT) as large, override_settings(STORAGES={"default": combined}):
        upload: UploadedFile = large if whole else SimpleUploadedFile("upload.bin", CONTENT)
        upload.read(50)
        document = Document.objects.create(file=upload)
        assert read(production, str(document.file.name)) == CONTENT
        assert not uploads.exists(str(document.file.name))


def test_a_file_is_read_as_text(in_production: Document) -> None:
    for document in (saved("local.txt", "größer\n".encode()), again(in_production)):
        with document.file.open("r") as file:
            line = file.readline()
        assert isinstance(line, str)
    assert document.file.storage.open("documents/local.txt", "r").read() == "größer\n"


def test_a_file_copied_from_one_document_to_another_is_whole(in_production: Document) -> None:
    copy = Document.objects.create(file=ContentFile(b"", "unused.txt"))
    copy.file.save("copy.txt", again(in_production).file)
    assert again(copy).file.read() == CONTENT


# Images.


def test_an_image_keeps_its_dimensions() -> None:
    picture = Picture.objects.create(image=png(31, 17))
    assert (picture.width, picture.height) == (31, 17)
    picture = Picture.objects.get(pk=picture.pk)
    assert (picture.image.width, picture.image.height) == (31, 17)


def test_an_image_in_production_has_its_dimensions(production: RemoteFaultyStorage) -> None:
    put(production, "pictures/drawn.png", png(31, 17).read())
    picture = Picture.objects.create(image="pictures/drawn.png")
    assert (picture.image.width, picture.image.height) == (31, 17)
    assert (picture.width, picture.height) == (31, 17)


def test_an_image_that_replaces_another_changes_the_dimensions() -> None:
    picture = Picture.objects.create(image=png(31, 17))
    picture.image = ImageFile(png(8, 9), "other.png")
    picture.save()
    picture.refresh_from_db()
    assert (picture.width, picture.height) == (8, 9)


# Instances that travel.


def test_a_pickled_document_still_finds_its_file(in_production: Document) -> None:
    for document in (again(in_production), saved("local.txt")):
        assert document.file.read() == CONTENT
        document.file.close()
        unpickled = pickle.loads(pickle.dumps(document))  # noqa: S301
        assert unpickled.file.read() == CONTENT
        unpickled.file.close()
