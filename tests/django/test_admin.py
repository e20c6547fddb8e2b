"""The real admin, and a large download, over a combined storage."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage
from fallback_storage.testing.promises.material import read

from .documents import CONTENT
from .models import Document

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("combined_default")]

MIB = 1024 * 1024


@pytest.fixture(params=[0, 10 * MIB], ids=["temporary file", "in memory"])
def upload_kind(request: pytest.FixtureRequest) -> Iterator[None]:
    with override_settings(FILE_UPLOAD_MAX_MEMORY_SIZE=request.param):
        yield


@pytest.mark.usefixtures("upload_kind")
def test_an_upload_is_stored_in_the_first_backend(
    admin_client: Client, uploads: FaultyStorage, production: RemoteFaultyStorage
) -> None:
    upload = SimpleUploadedFile("minutes.txt", CONTENT)
    response = admin_client.post("/admin/archive/document/add/", {"title": "x", "file": upload})
    assert response.status_code == 302
    assert Document.objects.get().file.name == "documents/minutes.txt"
    assert read(uploads, "documents/minutes.txt") == CONTENT
    assert production.mutations == []


def test_an_upload_of_a_name_that_production_has_gets_another(
    admin_client: Client, in_production: Document, production: RemoteFaultyStorage
) -> None:
    data = {"title": "x", "file": SimpleUploadedFile("minutes.txt", b"new")}
    assert admin_client.post("/admin/archive/document/add/", data).status_code == 302
    document = Document.objects.exclude(pk=in_production.pk).get()
    assert document.file.name != in_production.file.name
    assert document.file.read() == b"new"
    document.file.close()
    assert production.mutations == []


def test_the_change_page_links_to_the_file_where_it_lies(
    admin_client: Client, in_production: Document
) -> None:
    page = admin_client.get(f"/admin/archive/document/{in_production.pk}/change/")
    assert 'href="/production/documents/minutes.txt"' in page.content.decode()


def test_the_change_page_opens_while_every_backend_is_down(
    admin_client: Client,
    in_production: Document,
    uploads: FaultyStorage,
    production: RemoteFaultyStorage,
) -> None:
    uploads.refusing()
    production.refusing()
    page = admin_client.get(f"/admin/archive/document/{in_production.pk}/change/")
    assert 'href="/production/documents/minutes.txt"' in page.content.decode()


def test_a_file_is_replaced(
    admin_client: Client, in_production: Document, uploads: FaultyStorage
) -> None:
    data = {"title": "x", "file": SimpleUploadedFile("new.txt", b"new")}
    url = f"/admin/archive/document/{in_production.pk}/change/"
    assert admin_client.post(url, data).status_code == 302
    in_production.refresh_from_db()
    assert in_production.file.name == "documents/new.txt"
    assert read(uploads, "documents/new.txt") == b"new"


def test_a_file_is_cleared(
    admin_client: Client, in_production: Document, production: RemoteFaultyStorage
) -> None:
    url = f"/admin/archive/document/{in_production.pk}/change/"
    assert admin_client.post(url, {"title": "x", "file-clear": "on"}).status_code == 302
    in_production.refresh_from_db()
    assert not in_production.file
    assert production.exists("documents/minutes.txt")


def test_a_document_is_deleted_and_its_file_stays_as_django_has_it(
    admin_client: Client, in_production: Document, production: RemoteFaultyStorage
) -> None:
    url = f"/admin/archive/document/{in_production.pk}/delete/"
    assert b"Minutes" in admin_client.get(url).content
    assert admin_client.post(url, {"post": "yes"}).status_code == 302
    assert not Document.objects.exists()
    assert production.exists("documents/minutes.txt")
    assert production.mutations == []


# A download of 30 MiB.


def large_file(path: Path) -> str:
    """Write 30 different MiB; return their digest."""
    digest = hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for number in range(30):
            block = bytes([number]) * MIB
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


@pytest.mark.parametrize("lazy", [False, True], ids=["opened", "opened when read"])
@pytest.mark.parametrize("place", ["uploads", "production"])
def test_a_large_file_is_streamed(
    client: Client, tmp_path: Path, production: RemoteFaultyStorage, place: str, lazy: bool
) -> None:
    digest = large_file(tmp_path / place / "documents/large.bin")
    if lazy:
        production.stage("open", lazy=True)
    document = Document.objects.create(file="documents/large.bin")

    tracemalloc.start()
    response = client.get(f"/documents/{document.pk}/")
    sent = hashlib.sha256()
    for chunk in cast(Iterable[bytes], response):
        sent.update(chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert response.streaming
    assert sent.hexdigest() == digest
    assert response.headers["Content-Disposition"] == 'attachment; filename="large.bin"'
    assert peak < 4 * MIB
    response.close()


def test_the_length_of_a_download_is_known(client: Client, in_production: Document) -> None:
    response = client.get(f"/documents/{in_production.pk}/")
    assert response.headers["Content-Length"] == str(len(CONTENT))
    assert b"".join(cast(Iterable[bytes], response)) == CONTENT
