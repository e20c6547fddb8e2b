"""Contents of every kind, uploaded and read through fields over a combined storage."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.images import ImageFile
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from PIL import Image

from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage
from fallback_storage.testing.promises.material import put, read, temporary_upload

from .documents import CONTENT, again, name_of, stored
from .models import Document, Picture
from .override import override_storages
from .storages import ReadingStorage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("combined_default")]


def test_an_upload_that_a_validator_has_read_is_saved_whole() -> None:
    upload = SimpleUploadedFile("minutes.txt", CONTENT)
    assert upload.read() == CONTENT
    assert stored(Document.objects.create(file=upload)) == CONTENT


def test_a_large_upload_that_a_validator_has_read_is_saved_whole() -> None:
    with temporary_upload(CONTENT) as upload:
        upload.seek(0)
        assert upload.read(100)
        assert stored(Document.objects.create(file=upload)) == CONTENT


def test_a_large_upload_is_still_there_when_the_request_ends() -> None:
    with temporary_upload(CONTENT) as upload:
        Document.objects.create(file=upload)
        upload.seek(0)
        assert upload.read() == CONTENT


@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("breaks", [True, False])
def test_an_upload_reaches_a_storage_whole_that_reads_it_from_where_it_stands(
    uploads: FaultyStorage, tmp_path: Path, large: bool, breaks: bool
) -> None:
    reading = ReadingStorage(tmp_path / "reading")
    if breaks:
        uploads.stage("save", partial=100)
    backends = [uploads, reading] if breaks else [reading]
    with temporary_upload(CONTENT) as temporary:
        upload: UploadedFile[bytes] = temporary if large else SimpleUploadedFile("x", CONTENT)
        upload.seek(50)
        upload.read(50)
        name = FallbackStorage(backends).save("upload.bin", upload)
    assert read(reading, name) == CONTENT


@pytest.mark.parametrize("whole", [True, False])
def test_an_upload_reaches_the_second_disk_whole_when_the_first_breaks_down(
    uploads: FaultyStorage, production: RemoteFaultyStorage, whole: bool
) -> None:
    combined = {
        "BACKEND": "fallback_storage.storage.FallbackStorage",
        "OPTIONS": {"backends": [uploads, production]},
    }
    uploads.stage("save", partial=100)
    with temporary_upload(CONTENT) as large, override_storages({"default": combined}):
        upload: UploadedFile[bytes] = large if whole else SimpleUploadedFile("upload.bin", CONTENT)
        upload.read(50)
        document = Document.objects.create(file=upload)
        assert read(production, name_of(document)) == CONTENT
        assert not uploads.exists(name_of(document))


@pytest.mark.parametrize("place", ["uploads", "production"])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_file_is_read_as_text(
    uploads: FaultyStorage, production: RemoteFaultyStorage, place: str, lazy: bool
) -> None:
    backend = uploads if place == "uploads" else production
    put(backend, "documents/text.txt", "größer\nkleiner\n".encode())
    if lazy:
        backend.stage("open", lazy=True)
    document = Document.objects.create(file="documents/text.txt")
    with document.file.open("r") as file:
        assert list(file) == ["größer\n", "kleiner\n"]


def test_a_file_copied_from_one_document_to_another_is_whole(in_production: Document) -> None:
    copy = Document.objects.create(file=ContentFile(b"", "unused.txt"))
    with again(in_production).file as file:
        copy.file.save("copy.txt", file)
    assert stored(copy) == CONTENT


# Images.


def png(width: int, height: int) -> ContentFile[bytes]:
    drawn = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(drawn, "PNG")
    return ContentFile(drawn.getvalue(), "drawn.png")


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
