"""FallbackStorage over a real S3: every method, wherever the file lies."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage
from storages.backends.s3 import S3Storage

from fallback_storage.errors import ReadOnlyStorageError, UnsupportedOperation
from fallback_storage.storage import FallbackStorage

from .conftest import MakeS3
from .files import Pair, fallback, put, read

MULTIPART = 12 * 1024 * 1024  # S3Storage sends it in two parts

NAMES = [
    "plain.txt",
    "a/b/c/deep.txt",
    "with space/and another.txt",
    "größe/снег ☃ 雪.txt",
    "hash#and?question.txt",
    "per%20cent 100%.txt",
    "plus+amp&equals=.txt",
    "quote'and(brackets)[1].txt",
    ".hidden/.file",
]

ASKED_OF_A_FILE: dict[str, Callable[[Storage, str], Any]] = {
    "open": lambda storage, name: storage.open(name),
    "open as text": lambda storage, name: storage.open(name, "r"),
    "size": lambda storage, name: storage.size(name),
    "get_modified_time": lambda storage, name: storage.get_modified_time(name),
}

MUTATIONS: dict[str, Callable[[Storage, str], Any]] = {
    "save": put,
    "_save": lambda storage, name: storage._save(name, ContentFile(b"")),  # type: ignore[attr-defined]
    "delete": lambda storage, name: storage.delete(name),
    "open wb": lambda storage, name: storage.open(name, "wb"),
    "open ab": lambda storage, name: storage.open(name, "ab"),
    "open r+b": lambda storage, name: storage.open(name, "r+b"),
}


def address(url: str) -> tuple[str, str, str]:
    """A URL less its query, where S3 puts a signature with the time."""
    return urlsplit(url)[:3]


@pytest.fixture
def local_then_s3(local: FileSystemStorage, s3: S3Storage) -> FallbackStorage:
    return fallback(local=local, s3=s3)


# Wherever the file lies


@pytest.mark.parametrize("where", ["first", "second", "both"])
def test_the_first_backend_that_has_a_file_serves_it(pair: Pair, where: str) -> None:
    storage = pair.combined()
    pair.put(where, "dir/a.txt")
    holder, content = (pair.second, b"second") if where == "second" else (pair.first, b"1st")
    assert read(storage, "dir/a.txt") == content
    assert read(storage, "dir/a.txt", "r") == content.decode()
    assert storage.exists("dir/a.txt")
    assert storage.size("dir/a.txt") == len(content)
    assert storage.get_modified_time("dir/a.txt") == holder.get_modified_time("dir/a.txt")
    assert address(storage.url("dir/a.txt")) == address(holder.url("dir/a.txt"))
    assert storage.locate("dir/a.txt") == ("second" if where == "second" else "first")
    assert storage.explain("dir/a.txt").served_by == storage.locate("dir/a.txt")
    assert storage.listdir("dir") == ([], ["a.txt"])
    assert storage.listdir("") == (["dir"], [])


def test_a_file_in_neither_is_missing(pair: Pair) -> None:
    storage = pair.combined()
    pair.put("both", "dir/other.txt")
    for ask in ASKED_OF_A_FILE.values():
        with pytest.raises(FileNotFoundError):
            ask(storage, "dir/a.txt")
    assert not storage.exists("dir/a.txt")
    assert storage.locate("dir/a.txt") is None
    assert address(storage.url("dir/a.txt")) == address(pair.second.url("dir/a.txt"))
    storage.delete("dir/a.txt")
    assert storage.listdir("dir") == ([], ["other.txt"])


def test_a_listing_is_the_set_of_both(pair: Pair) -> None:
    for name in ("a", "both", "dir/a", "dir/deep/er/a"):
        put(pair.first, f"top/{name}")
    for name in ("b", "both", "dir/b", "other/b"):
        put(pair.second, f"top/{name}")
    storage = pair.combined()
    directories, files = storage.listdir("top")
    assert (sorted(directories), sorted(files)) == (["dir", "other"], ["a", "b", "both"])
    directories, files = storage.listdir("top/dir/")
    assert (directories, sorted(files)) == (["deep"], ["a", "b"])
    assert storage.listdir("top/dir/deep") == (["er"], [])
    assert storage.listdir("top/other") == ([], ["b"])


def test_the_root_of_an_empty_bucket_is_an_empty_listing(s3: S3Storage) -> None:
    assert fallback(s3=s3).listdir("") == ([], [])


def test_the_root_exists_where_a_backend_can_say_so(
    local: FileSystemStorage, s3: S3Storage
) -> None:
    put(local, "a.txt")
    assert fallback(local=local, s3=s3).exists("")
    assert fallback(s3=s3, local=local).exists("")
    with pytest.raises(UnsupportedOperation):
        fallback(s3=s3).exists("")


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_the_same_everywhere(
    name: str, local_then_s3: FallbackStorage, s3: S3Storage
) -> None:
    assert put(s3, name) == name
    directory, _, base = name.rpartition("/")
    assert local_then_s3.exists(name)
    assert read(local_then_s3, name) == b"content"
    assert local_then_s3.size(name) == len(b"content")
    assert local_then_s3.listdir(directory)[1] == [base]
    with urlopen(local_then_s3.url(name)) as response:  # noqa: S310 - loopback
        assert response.read() == b"content"
    reversed_ = fallback(s3=s3, local=local_then_s3.backends[0].storage)
    s3.delete(name)
    assert reversed_.save(name, ContentFile(b"saved")) == name
    assert read(s3, name) == b"saved"
    reversed_.delete(name)
    assert not local_then_s3.exists(name)


@pytest.mark.parametrize("size", [0, 1, MULTIPART])
def test_a_file_of_any_size_comes_back_whole(pair: Pair, size: int) -> None:
    content = os.urandom(size)
    storage = pair.combined()
    name = storage.save("large.bin", ContentFile(content))
    assert storage.locate(name) == "first"
    assert read(pair.first, name) == content
    assert read(storage, name) == content
    pair.first.delete(name)
    pair.second.save(name, ContentFile(content))
    assert storage.size(name) == size
    with storage.open(name) as file:
        assert b"".join(file.chunks()) == content


def test_text_is_decoded_wherever_it_lies(pair: Pair) -> None:
    pair.put("second", "text.txt", second="Größe\nzwei\n".encode())
    with pair.combined().open("text.txt", "r") as file:
        assert list(file) == ["Größe\n", "zwei\n"]


def test_a_file_read_from_s3_can_be_saved_again(
    local_then_s3: FallbackStorage, s3: S3Storage, local: FileSystemStorage
) -> None:
    put(s3, "original.bin", b"bytes")
    with local_then_s3.open("original.bin") as file:
        assert local_then_s3.save("copy.bin", file) == "copy.bin"
    assert read(local, "copy.bin") == b"bytes"


def test_an_object_has_no_path_and_no_times_but_one(
    local_then_s3: FallbackStorage, s3: S3Storage
) -> None:
    put(s3, "a.txt")
    with pytest.raises(NotImplementedError):
        local_then_s3.path("a.txt")
    for ask in (local_then_s3.get_created_time, local_then_s3.get_accessed_time):
        with pytest.raises(UnsupportedOperation):
            ask("a.txt")
    assert local_then_s3.path("new.txt").endswith("/local/new.txt")


def test_keywords_of_url_reach_s3_and_not_the_disk(
    local_then_s3: FallbackStorage, s3: S3Storage, local: FileSystemStorage
) -> None:
    put(local, "local.txt")
    put(s3, "s3.txt")
    assert local_then_s3.url("local.txt", expire=7) == "/media/local.txt"
    assert "X-Amz-Expires=7" in local_then_s3.url("s3.txt", expire=7)


# Writing


def test_a_save_lands_in_the_first_alone(pair: Pair) -> None:
    storage = pair.combined()
    assert put(storage, "dir/a.txt") == "dir/a.txt"
    assert read(pair.first, "dir/a.txt") == b"content"
    assert not pair.second.exists("dir/a.txt")


def test_a_save_keeps_clear_of_a_name_in_the_second(pair: Pair) -> None:
    pair.put("second", "a.txt")
    name = put(pair.combined(), "a.txt", b"new")
    assert name != "a.txt"
    assert read(pair.first, name) == b"new"
    assert read(pair.second, "a.txt") == b"second"


def test_a_save_replaces_an_object_where_its_owner_wants_that(
    make_s3: MakeS3, bucket: str
) -> None:
    for overwrites in (True, False):
        s3 = make_s3(bucket, file_overwrite=overwrites)
        put(s3, f"{overwrites}.txt", b"old")
        name = put(fallback(s3=s3), f"{overwrites}.txt", b"new")
        assert (name == f"{overwrites}.txt") is overwrites
        assert read(s3, f"{overwrites}.txt") == (b"new" if overwrites else b"old")
        assert read(s3, name) == b"new"


def test_a_file_opened_for_writing_is_written_to_the_first(pair: Pair) -> None:
    storage = pair.combined()
    with storage.open("new/a.txt", "wb") as file:
        file.write(b"one,")
        file.write(b"two")
    assert read(pair.first, "new/a.txt") == b"one,two"
    assert not pair.second.exists("new/a.txt")


@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_no_empty_file_comes_to_lie_above_an_object(
    mode: str, local_then_s3: FallbackStorage, local: FileSystemStorage, s3: S3Storage
) -> None:
    """S3Storage itself cannot append: its refusal is what the caller sees."""
    put(s3, "a.txt")
    with (
        pytest.raises(AttributeError, match="not opened in write mode"),
        local_then_s3.open("a.txt", mode) as file,
    ):
        file.write(b"more")
    assert not local.exists("a.txt")
    assert read(local_then_s3, "a.txt") == b"content"


def test_delete_first_deletes_from_the_first_alone(pair: Pair) -> None:
    pair.put("both", "a.txt")
    pair.combined().delete("a.txt")
    assert not pair.first.exists("a.txt")
    assert pair.second.exists("a.txt")


def test_delete_all_deletes_everywhere(pair: Pair) -> None:
    pair.put("both", "a.txt")
    storage = pair.combined(options={"delete": "all"})
    storage.delete("a.txt")
    assert not storage.exists("a.txt")
    assert not pair.second.exists("a.txt")


# Read-only


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_read_only_bucket_is_never_changed(mutation: str, s3: S3Storage) -> None:
    put(s3, "a.txt", b"production")
    storage = fallback(s3=s3, read_only=["s3"])
    with pytest.raises(ReadOnlyStorageError):
        MUTATIONS[mutation](storage, "a.txt")
    assert s3.listdir("") == ([], ["a.txt"])
    assert read(storage, "a.txt") == b"production"


@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_what_lies_in_a_read_only_bucket_is_not_opened_for_writing(
    mode: str, local: FileSystemStorage, s3: S3Storage
) -> None:
    put(s3, "a.txt")
    storage = fallback(local=local, s3=s3, read_only=["s3"])
    with pytest.raises(ReadOnlyStorageError):
        storage.open("a.txt", mode)
    assert not local.exists("a.txt")


def test_production_below_a_local_disk_stays_as_it_is(
    local: FileSystemStorage, s3: S3Storage
) -> None:
    put(s3, "dir/a.txt", b"production")
    storage = fallback(local=local, s3=s3, read_only=["s3"])
    name = put(storage, "dir/a.txt", b"mine")
    assert name != "dir/a.txt"
    with storage.open("dir/a.txt", "wb") as file:
        file.write(b"over it")
    assert read(storage, "dir/a.txt") == b"over it"
    storage.delete("dir/a.txt")
    assert read(storage, "dir/a.txt") == b"production"
    assert s3.listdir("dir") == ([], ["a.txt"])
    with pytest.raises(ReadOnlyStorageError):
        fallback(local=local, s3=s3, read_only=["s3"], options={"delete": "all"}).delete(
            "dir/a.txt"
        )
    assert read(s3, "dir/a.txt") == b"production"


# What the server refuses


def status(error: pytest.ExceptionInfo[ClientError]) -> int:
    return int(error.value.response["ResponseMetadata"]["HTTPStatusCode"])


def test_wrong_credentials_are_not_absence(
    local: FileSystemStorage, make_s3: MakeS3, bucket: str
) -> None:
    put(local, "local.txt")
    storage = fallback(local=local, s3=make_s3(bucket, secret_key="wrong"))
    assert read(storage, "local.txt") == b"content"
    asked = ASKED_OF_A_FILE | {
        "exists": lambda storage, name: storage.exists(name),
        "listdir": lambda storage, _: storage.listdir(""),
    }
    for ask in asked.values():
        with pytest.raises(ClientError) as error:
            ask(storage, "a.txt")
        assert status(error) == 403
    assert storage.explain("a.txt").answers[1].outcome == "denied"


def test_wrong_credentials_are_the_absence_of_a_file_where_that_is_said(
    local: FileSystemStorage, make_s3: MakeS3, bucket: str
) -> None:
    put(local, "local.txt")
    wrong = make_s3(bucket, secret_key="wrong")
    storage = fallback(local=local, s3=wrong, denied_is_missing=["s3"])
    for ask in ASKED_OF_A_FILE.values():
        with pytest.raises(FileNotFoundError):
            ask(storage, "a.txt")
    assert not storage.exists("a.txt")
    with pytest.raises(ClientError) as error:
        storage.listdir("")  # Never of a list, which would be short.
    assert status(error) == 403
    # A write that is denied has failed all the same.
    with pytest.raises(ClientError) as error:
        put(fallback(s3=wrong, denied_is_missing=["s3"]), "a.txt")
    assert status(error) == 403


def test_a_save_denied_lands_in_the_next_backend(
    local: FileSystemStorage, make_s3: MakeS3, bucket: str, s3: S3Storage
) -> None:
    storage = fallback(s3=make_s3(bucket, secret_key="wrong"), local=local)
    name = put(storage, "a.txt")
    assert read(local, name) == b"content"
    assert read(storage, name) == b"content"
    assert s3.listdir("") == ([], [])


def test_a_missing_bucket_is_not_an_empty_one(local: FileSystemStorage, make_s3: MakeS3) -> None:
    put(local, "local.txt")
    nowhere = make_s3("no-such-bucket")
    storage = fallback(local=local, s3=nowhere)
    with pytest.raises(ClientError, match="NoSuchBucket"):
        storage.listdir("")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        put(fallback(s3=nowhere), "a.txt")
    skipping = fallback(local=local, s3=nowhere, options={"on_fault": "skip"})
    assert skipping.listdir("") == ([], ["local.txt"])
    name = put(fallback(s3=nowhere, local=local), "a.txt")
    assert read(local, name) == b"content"


def test_a_missing_bucket_cannot_be_told_from_a_missing_object_by_head(
    local: FileSystemStorage, make_s3: MakeS3
) -> None:
    """S3 answers a HEAD with 404 and no body: there is nothing to tell the two apart by."""
    storage = fallback(local=local, s3=make_s3("no-such-bucket"))
    assert not storage.exists("a.txt")
    with pytest.raises(ClientError, match="NoSuchBucket"):  # A GET has a body.
        storage.open("a.txt")
