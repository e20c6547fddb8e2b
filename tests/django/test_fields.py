"""FileField and ImageField over a combined storage."""

from __future__ import annotations

import pickle

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from fallback_storage.errors import StorageUnavailable
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage
from fallback_storage.testing.promises.material import put, read

from .documents import CONTENT, again, name_of, saved, stored
from .models import Document

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("combined_default")]


# Save, read, replace, delete.


def test_a_file_is_saved_into_the_first_backend(
    uploads: FaultyStorage, production: RemoteFaultyStorage
) -> None:
    document = saved()
    assert document.file.name == "documents/minutes.txt"
    assert read(uploads, "documents/minutes.txt") == CONTENT
    assert not production.exists("documents/minutes.txt")


def test_a_file_that_lies_in_production_is_read(in_production: Document) -> None:
    with again(in_production).file as file:
        assert file.read() == CONTENT
        assert file.size == len(CONTENT)
        assert file.url == "/production/documents/minutes.txt"


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
    assert stored(in_production) == CONTENT
    assert production.mutations == []


def test_a_replaced_file_is_the_new_one_and_the_old_one_stays(in_production: Document) -> None:
    old = name_of(in_production)
    in_production.file.save("minutes.txt", ContentFile(b"corrected"))
    assert stored(in_production) == b"corrected"
    assert read(default_storage, old) == CONTENT


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
    with pytest.raises(StorageUnavailable), transaction.atomic():
        saved()
    assert not Document.objects.exists()
    assert production.mutations == []


# Names that are nearly too long: 40 characters with "documents/".


def test_a_name_of_just_the_length_is_kept() -> None:
    name = "n" * 26 + ".txt"
    assert saved(name).file.name == f"documents/{name}"


def test_a_name_that_is_too_long_is_cut() -> None:
    document = saved("n" * 60 + ".txt")
    assert len(name_of(document)) <= 40
    assert name_of(document).endswith(".txt")
    assert stored(document) == CONTENT


def test_a_taken_name_of_just_the_length_is_cut_for_its_suffix(
    production: RemoteFaultyStorage,
) -> None:
    name = "n" * 26 + ".txt"
    put(production, f"documents/{name}")
    document = saved(name)
    assert document.file.name != f"documents/{name}"
    assert len(name_of(document)) <= 40


def test_a_name_with_no_room_for_its_root_is_refused() -> None:
    with pytest.raises(SuspiciousFileOperation):
        saved("n." + "x" * 60)


# Instances that travel.


def test_a_pickled_document_still_finds_its_file(in_production: Document) -> None:
    for document in (again(in_production), saved("local.txt")):
        with document.file as file:
            assert file.read() == CONTENT
        unpickled = pickle.loads(pickle.dumps(document))  # noqa: S301
        with unpickled.file as file:
            assert file.read() == CONTENT
