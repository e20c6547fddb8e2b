"""What S3 is asked, counted: never more than it would be without this package, but for a name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage
from storages.backends.s3 import S3Storage

from fallback_storage.backend.adapters import adapter_for

from .conftest import MakeS3
from .files import fallback, put, read
from .requests import counting

Ask = Callable[[Any, str], Any]

ASKED: dict[str, Ask] = {
    "exists": lambda storage, name: storage.exists(name),
    "open": lambda storage, name: storage.open(name).close(),
    "open and read": read,
    "open and read text": lambda storage, name: read(storage, name, "r"),
    "size": lambda storage, name: storage.size(name),
    "get_modified_time": lambda storage, name: storage.get_modified_time(name),
    "url": lambda storage, name: storage.url(name),
}
LISTED: dict[str, Ask] = {
    "listdir": lambda storage, name: storage.listdir("dir"),
    "listdir of the root": lambda storage, name: storage.listdir(""),
}
NAME = "dir/a.txt"
NO_REQUESTS: Counter[str] = Counter()
ONE_GET = Counter({"GetObject": 1})


def expected(question: str, alone: Counter[str]) -> Counter[str]:
    """What a question costs here: what S3 alone costs, but to open a file takes one GET."""
    return ONE_GET if question.startswith("open") else alone


def cost(ask: Ask, storage: Storage, *counted: S3Storage, name: str = NAME) -> Counter[str]:
    """The requests to `counted` that a question takes, whatever the answer is."""
    # A missing file is an answer too; S3Storage says it in two ways.
    with counting(*counted) as requests, suppress(FileNotFoundError, ClientError):
        ask(storage, name)
    return requests.by_operation


@pytest.fixture
def other(make_s3: MakeS3, other_bucket: str) -> S3Storage:
    return make_s3(other_bucket)


@pytest.mark.parametrize("question", ASKED)
@pytest.mark.parametrize("where", ["local", "both"])
def test_what_the_first_can_answer_costs_no_request(
    question: str, where: str, local: FileSystemStorage, s3: S3Storage
) -> None:
    put(local, NAME)
    if where == "both":
        put(s3, NAME)
    assert cost(ASKED[question], fallback(local=local, s3=s3), s3) == NO_REQUESTS


@pytest.mark.parametrize("question", ASKED | LISTED)
@pytest.mark.parametrize("is_there", [True, False], ids=["hit", "miss"])
def test_what_only_s3_has_costs_what_s3_alone_costs_or_less(
    question: str, is_there: bool, local: FileSystemStorage, s3: S3Storage
) -> None:
    if is_there:
        put(s3, NAME)
    ask = (ASKED | LISTED)[question]
    alone = expected(question, cost(ask, s3, s3))
    assert cost(ask, fallback(local=local, s3=s3), s3) == alone
    assert cost(ask, fallback(s3=s3), s3) == alone
    assert cost(ask, fallback(local=local, s3=s3, read_only=["s3"]), s3) == alone


@pytest.mark.parametrize("is_there", [True, False], ids=["hit", "miss"])
def test_a_url_costs_nothing(is_there: bool, local: FileSystemStorage, s3: S3Storage) -> None:
    if is_there:
        put(s3, NAME)
    assert cost(ASKED["url"], fallback(local=local, s3=s3), s3) == NO_REQUESTS


@pytest.mark.parametrize("question", [question for question in ASKED if question != "url"])
def test_of_two_buckets_the_second_is_asked_only_for_what_the_first_lacks(
    question: str, s3: S3Storage, other: S3Storage
) -> None:
    ask, storage = ASKED[question], fallback(s3=s3, other=other)
    missed = expected(question, cost(ask, s3, s3))
    put(other, NAME)
    alone = expected(question, cost(ask, other, other))
    assert cost(ask, storage, other) == alone
    assert cost(ask, storage, s3) == missed
    put(s3, NAME)
    assert cost(ask, storage, s3) == alone
    assert cost(ask, storage, other) == NO_REQUESTS


def test_of_two_buckets_only_the_first_is_asked_for_the_url_s_sake(
    s3: S3Storage, other: S3Storage
) -> None:
    storage = fallback(s3=s3, other=other)
    assert cost(ASKED["url"], storage, s3) == {"HeadObject": 1}
    assert cost(ASKED["url"], storage, other) == NO_REQUESTS


def test_a_large_file_costs_what_s3_alone_costs(local: FileSystemStorage, s3: S3Storage) -> None:
    s3.save("large", ContentFile(os.urandom(12 * 1024 * 1024)))
    alone = cost(read, s3, s3, name="large")
    assert alone == {"HeadObject": 2, "GetObject": 2}
    # The first GET has the place of the first HEAD; what follows is S3File's own, in parts.
    here = cost(read, fallback(local=local, s3=s3), s3, name="large")
    assert here == {"HeadObject": 1, "GetObject": 3}


def test_a_file_handed_out_costs_no_second_look(local: FileSystemStorage, s3: S3Storage) -> None:
    put(s3, NAME)
    with fallback(local=local, s3=s3).open(NAME) as file:
        with counting(s3) as requests:
            assert file.size == len(b"content")
        assert requests.total == 0
        with counting(s3) as requests:
            file.read()
            file.seek(0)
            file.read()
        assert requests.total == 0  # It is the body of the request that opened it.


def test_delete_costs_what_s3_alone_costs(local: FileSystemStorage, s3: S3Storage) -> None:
    def delete(storage: Storage, name: str) -> None:
        storage.delete(name)

    alone = cost(delete, s3, s3)
    everywhere = fallback(local=local, s3=s3, options={"delete": "all"})
    assert alone == {"DeleteObject": 1}
    assert cost(delete, everywhere, s3) == alone
    assert cost(delete, fallback(s3=s3, local=local), s3) == alone
    assert cost(delete, fallback(local=local, s3=s3), s3) == NO_REQUESTS


# Saving: S3's own requests, and at most one more to keep clear of a name


def honours(s3: S3Storage) -> None:
    """Have it found out, as once in each process, that the server honours conditions."""
    assert adapter_for(s3).create("asked", ContentFile(b""), None) == "asked"


@pytest.mark.parametrize("overwrites", [True, False], ids=["overwriting", "renaming"])
@pytest.mark.parametrize("size", [100, 12 * 1024 * 1024], ids=["small", "multipart"])
@pytest.mark.parametrize("collides", [False, True], ids=["free", "taken"])
def test_a_save_to_s3_first_costs_its_own(
    overwrites: bool,
    size: int,
    collides: bool,
    local: FileSystemStorage,
    make_s3: MakeS3,
    bucket: str,
) -> None:
    def save(storage: Storage, name: str) -> None:
        storage.save(name, ContentFile(bytes(size)))

    s3 = make_s3(bucket, file_overwrite=overwrites)
    if collides:
        put(s3, "a")
        put(s3, "b")
    alone = cost(save, s3, s3, name="a")
    honours(s3)
    assert cost(save, fallback(s3=s3, local=local), s3, name="b") == alone


@pytest.mark.parametrize("overwrites", [True, False], ids=["overwriting", "renaming"])
def test_a_save_to_the_disk_asks_s3_once_for_the_name(
    overwrites: bool, local: FileSystemStorage, make_s3: MakeS3, bucket: str
) -> None:
    s3 = make_s3(bucket, file_overwrite=overwrites)
    assert cost(put, fallback(local=local, s3=s3), s3) == {"HeadObject": 1}


@pytest.mark.parametrize("overwrites", [True, False], ids=["overwriting", "renaming"])
def test_a_save_to_one_bucket_asks_the_other_once_for_the_name(
    overwrites: bool, make_s3: MakeS3, bucket: str, other_bucket: str
) -> None:
    s3 = make_s3(bucket, file_overwrite=overwrites)
    other = make_s3(other_bucket, file_overwrite=overwrites)
    alone = cost(put, s3, s3, name="alone")
    honours(s3)
    storage = fallback(s3=s3, other=other)
    with counting(s3, other) as requests:
        put(storage, "combined")
    assert requests.by_operation == alone + Counter({"HeadObject": 1})


def test_a_save_that_fails_over_asks_the_dead_once(
    local: FileSystemStorage, make_s3: MakeS3
) -> None:
    nowhere = make_s3("no-such-bucket")
    assert cost(put, fallback(s3=nowhere, local=local), nowhere) == {"PutObject": 1}
