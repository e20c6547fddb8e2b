"""An object of S3 is opened and read in one request, and behaves as S3File does."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3File, S3Storage

from fallback_storage.backend.adapters import adapter_for
from fallback_storage.backend.adapters.s3_file import OneGetFile
from fallback_storage.storage import FallbackStorage, OverlayStorage

from .conftest import MakeS3
from .files import fallback, put, read
from .requests import counting

NAME = "dir/a.txt"
BODY = bytes(range(256)) * 40


class Lost(io.RawIOBase):
    """A body whose connection breaks after some bytes."""

    def __init__(self, body: Any, after: int) -> None:
        self._body, self._left = body, after

    def read(self, size: int = -1, /) -> bytes:
        if not self._left:
            raise ConnectionResetError("reset")
        data: bytes = self._body.read(min(size, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._body.close()


def opened(s3: S3Storage, mode: str = "rb") -> Any:
    return adapter_for(s3).open(NAME, mode)  # type: ignore[attr-defined]


def test_promotion_and_copy_up_read_in_one_request(
    local: FileSystemStorage, s3: S3Storage
) -> None:
    for mode in ("rb", "r+b"):
        put(s3, f"{mode}.txt", BODY)
        storage = OverlayStorage(backends=[local, s3], promote=True)
        with counting(s3) as requests:
            storage.open(f"{mode}.txt", mode).close()
        assert requests.by_operation["GetObject"] == 1
        assert read(local, f"{mode}.txt") == BODY


def test_what_is_opened_and_not_read_holds_half_of_the_connections_at_most(
    s3: S3Storage,
) -> None:
    put(s3, NAME, BODY)
    storage = fallback(s3=s3)
    limit = s3.connection.meta.client.meta.config.max_pool_connections // 2
    with counting(s3) as requests:
        files = [storage.open(NAME) for _ in range(limit + 2)]
    assert requests.by_operation == {"GetObject": limit, "HeadObject": 2}
    for file in files:
        with file:
            assert file.read() == BODY
    with counting(s3) as requests:
        assert read(storage, NAME) == BODY
    assert requests.by_operation == {"GetObject": 1}


def test_files_that_are_closed_or_forgotten_unread_hold_nothing(s3: S3Storage) -> None:
    put(s3, NAME, BODY)
    storage = fallback(s3=s3)
    with counting(s3) as requests:
        for number in range(40):
            file = storage.open(NAME)
            if number % 2:
                file.close()
            del file
        assert read(storage, NAME) == BODY
    assert requests.by_operation == {"GetObject": 41}


@pytest.mark.parametrize("after", [0, 1, 5000])
def test_a_body_that_breaks_off_is_asked_for_again(s3: S3Storage, after: int) -> None:
    put(s3, NAME, BODY)
    file = opened(s3)
    file._body = Lost(file._body, after)
    with counting(s3) as requests:
        assert file.read() == BODY
    assert requests.by_operation == {"GetObject": 1}
    file.close()


def test_a_body_that_breaks_off_is_not_completed_by_another(s3: S3Storage) -> None:
    put(s3, NAME, BODY)
    file = opened(s3)
    file._body = Lost(file._body, 5000)
    put(s3, NAME, b"another's")
    with pytest.raises(ClientError) as caught:
        file.read()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    file.close()


def test_an_opened_file_is_one_version(s3: S3Storage) -> None:
    put(s3, NAME, BODY)
    with fallback(s3=s3).open(NAME) as file:
        put(s3, NAME, b"new")
        assert file.size == len(BODY)
        assert file.read() == BODY
    s3.delete(NAME)


@pytest.mark.parametrize("content", [BODY, b"", "t\u00e4xt\n".encode() * 3])
@pytest.mark.parametrize("mode", ["rb", "r", "rt"])
def test_it_reads_as_s3_s_own_does(s3: S3Storage, content: bytes, mode: str) -> None:
    put(s3, NAME, content)
    if mode != "rb" and content is BODY:
        return
    own, ours = s3.open(NAME, mode), opened(s3, mode)
    assert isinstance(ours, OneGetFile)
    assert isinstance(own, S3File)
    for attribute in ("content_length", "content_type", "e_tag", "last_modified", "metadata"):
        assert getattr(ours.obj, attribute) == getattr(own.obj, attribute)
    assert (ours.name, ours.size, ours.closed) == (own.name, own.size, own.closed)
    assert ours.read() == own.read()
    draw = random.Random(7)
    for _ in range(50):
        position = draw.randrange(len(content) + 1) if mode == "rb" else 0
        assert ours.seek(position) == own.seek(position)
        size = draw.choice([-1, 0, 1, 7, 10_000])
        assert (ours.read(size), ours.tell()) == (own.read(size), own.tell())
    for file in (ours, own):
        file.close()
        assert file.closed


def test_it_is_read_again_after_it_was_closed(s3: S3Storage) -> None:
    put(s3, NAME, BODY)
    file = opened(s3)
    assert file.read() == BODY
    file.close()
    assert file.open().read() == BODY  # As S3File: a download of its own.
    file.close()


# S3File leaves the compressed copy open when it has decompressed that.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_compressed_content_is_handed_out_as_s3_hands_it_out(make_s3: MakeS3, bucket: str) -> None:
    compressing = make_s3(bucket, gzip=True, gzip_content_types=["text/plain"])
    compressing.save(NAME, File(io.BytesIO(b"text" * 1000), NAME))
    for s3 in (compressing, make_s3(bucket)):
        with s3.open(NAME) as own, opened(s3) as ours:
            assert ours.read() == own.read()


def test_a_subclass_opens_in_its_own_way(make_s3: MakeS3, bucket: str) -> None:
    class Own(S3Storage):  # type: ignore[misc]
        pass

    s3 = Own(**make_s3(bucket)._constructor_args[1])
    put(s3, NAME, BODY)
    with fallback(s3=s3).open(NAME) as file, counting(s3) as requests:
        assert file.read() == BODY
    assert requests.by_operation == {"HeadObject": 1, "GetObject": 1}


def test_what_is_denied_is_denied(make_s3: MakeS3, bucket: str) -> None:
    stranger = make_s3(bucket, access_key="stranger", secret_key="none")
    with pytest.raises(ClientError) as caught:
        FallbackStorage(backends=[stranger]).open(NAME)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_file_is_saved_from_one_that_was_opened(s3: S3Storage, local: FileSystemStorage) -> None:
    put(s3, NAME, BODY)
    storage = fallback(local=local, s3=s3)
    with storage.open(NAME) as file:
        assert read(storage, storage.save("copy.txt", file)) == BODY
    storage.save("other.txt", ContentFile(b"x"))
