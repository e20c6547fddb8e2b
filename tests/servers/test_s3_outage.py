"""FallbackStorage over an S3 that goes away: nothing is lost, cut short or said to be missing."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3Storage

from example.seaweedfs import REGION, SeaweedFS, client_config
from example.weed import HOST
from fallback_storage.errors import BreakerOpen, StorageUnavailable
from fallback_storage.signals import backend_failed, fallback_used
from fallback_storage.storage import FallbackStorage

from .conftest import MakeS3
from .files import fallback, put, read

MULTIPART = 12 * 1024 * 1024  # S3Storage sends it in two parts

# What must not be answered while somebody who may know better is away.
QUESTIONS: dict[str, Callable[[FallbackStorage, str], Any]] = {
    "open": lambda storage, name: storage.open(name),
    "size": lambda storage, name: storage.size(name),
    "get_modified_time": lambda storage, name: storage.get_modified_time(name),
    "exists": lambda storage, name: storage.exists(name),
    "locate": lambda storage, name: storage.locate(name),
    "listdir": lambda storage, _: storage.listdir(""),
    "open r+b": lambda storage, name: storage.open(name, "r+b"),
    "open ab": lambda storage, name: storage.open(name, "ab"),
    "delete": lambda storage, name: fallback_deleting_all(storage).delete(name),
}


def fallback_deleting_all(storage: FallbackStorage) -> FallbackStorage:
    storages: dict[str, Any] = {backend.name: backend.storage for backend in storage.backends}
    return fallback(**storages, options={"delete": "all"})


class Interrupting(io.BytesIO):
    """Content during whose reading, half-way through, something happens."""

    def __init__(self, content: bytes, happen: Callable[[], None]) -> None:
        super().__init__(content)
        self._half = len(content) // 2
        self._happen: Callable[[], None] | None = happen

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if self._happen is not None and self.tell() > self._half:
            happen, self._happen = self._happen, None
            happen()
        return data


@contextmanager
def at_the_first_byte(s3: S3Storage, happen: Callable[[], None]) -> Iterator[None]:
    """Something happens once S3 has begun to answer a GetObject, its body being on its way."""
    once = [happen]

    def begun(**_: object) -> None:
        if once:
            once.pop()()

    events = s3.connection.meta.client.meta.events
    events.register("response-received.s3.GetObject", begun)
    yield
    assert not once, "nothing was read"


@pytest.fixture
def refusing(refused: int) -> S3Storage:
    """An S3 whose server is not there."""
    return S3Storage(
        endpoint_url=f"http://{HOST}:{refused}",
        region_name=REGION,
        bucket_name="bucket",
        access_key="key",
        secret_key="secret",
        security_token="",
        client_config=client_config(1.0),
    )


@pytest.fixture
def own_s3(own_seaweedfs: SeaweedFS, make_s3: MakeS3) -> S3Storage:
    """A storage on a server of the test's own."""
    own_seaweedfs.create_bucket("bucket")
    return make_s3("bucket", own_seaweedfs, client_config=client_config(20.0))


@pytest.fixture
def impatient(own_s3: S3Storage, own_seaweedfs: SeaweedFS, make_s3: MakeS3) -> S3Storage:
    """The same, waiting one second."""
    return make_s3("bucket", own_seaweedfs, client_config=client_config(1.0))


# Not there


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("order", ["local first", "s3 first"])
def test_what_is_not_known_is_not_answered(
    question: str, order: str, local: FileSystemStorage, refusing: S3Storage
) -> None:
    put(local, "local.txt")
    if order == "local first":
        storage = fallback(local=local, s3=refusing)
    else:
        storage = fallback(s3=refusing, local=local)
    with pytest.raises(EndpointConnectionError) as error:
        QUESTIONS[question](storage, "a.txt")
    assert any("s3 said unreachable" in note for note in error.value.__notes__)
    assert not local.exists("a.txt")


@pytest.mark.parametrize("question", ["open", "size", "exists", "locate", "listdir"])
def test_two_that_are_away_are_both_named(
    question: str, refusing: S3Storage, local: FileSystemStorage
) -> None:
    storage = fallback(one=refusing, local=local, two=refusing)
    with pytest.raises(StorageUnavailable) as error:
        QUESTIONS[question](storage, "a.txt")
    assert list(error.value.failures) == ["one", "two"]


def test_what_others_can_answer_is_answered(local: FileSystemStorage, refusing: S3Storage) -> None:
    put(local, "a.txt", b"local")
    for storage in (fallback(local=local, s3=refusing), fallback(s3=refusing, local=local)):
        assert read(storage, "a.txt") == b"local"
        assert storage.size("a.txt") == 5
        assert storage.exists("a.txt")
        assert storage.locate("a.txt") == "local"
        assert storage.url("a.txt") == "/media/a.txt"
        assert storage.path("a.txt") == local.path("a.txt")
    # By now its breaker is open, which is no answer either.
    for breakers in (True, False):
        skipping = fallback(
            s3=refusing, local=local, breakers=breakers, options={"on_fault": "skip"}
        )
        assert not skipping.exists("b.txt")
        assert skipping.listdir("") == ([], ["a.txt"])
    for breakers, error in ((True, BreakerOpen), (False, EndpointConnectionError)):
        stopping = fallback(
            s3=refusing, local=local, breakers=breakers, options={"on_fault": "raise"}
        )
        with pytest.raises(error):
            stopping.open("a.txt")


def test_the_url_of_the_last_needs_no_server(
    local: FileSystemStorage, refusing: S3Storage
) -> None:
    assert HOST in fallback(local=local, s3=refusing).url("a.txt")


def test_a_save_fails_over_under_a_name_that_hides_nothing(
    local: FileSystemStorage, refusing: S3Storage
) -> None:
    storage = fallback(s3=refusing, local=local)
    # S3, back again, might have this name: what is saved now must not lie below that.
    name = put(storage, "a.txt")
    assert name != "a.txt"
    assert read(local, name) == read(storage, name) == b"content"
    assert local.listdir("") == ([], [name])


def test_a_save_to_the_disk_does_not_need_s3(
    local: FileSystemStorage, refusing: S3Storage
) -> None:
    storage = fallback(local=local, s3=refusing)
    name = put(storage, "a.txt")
    assert name != "a.txt"
    assert read(storage, name) == b"content"


def test_a_save_with_nowhere_to_go_says_so(refusing: S3Storage) -> None:
    with pytest.raises(EndpointConnectionError):
        put(fallback(s3=refusing), "a.txt")
    with pytest.raises(StorageUnavailable):
        put(fallback(one=refusing, two=refusing), "a.txt")


def test_an_outage_is_logged_and_signalled_without_secrets(
    local: FileSystemStorage, refusing: S3Storage, caplog: pytest.LogCaptureFixture
) -> None:
    failed: list[dict[str, Any]] = []
    used: list[dict[str, Any]] = []

    def on_failed(**event: Any) -> None:
        failed.append(event)

    def on_used(**event: Any) -> None:
        used.append(event)

    backend_failed.connect(on_failed)
    fallback_used.connect(on_used)
    put(local, "a.txt")
    try:
        with caplog.at_level(logging.DEBUG, "fallback_storage"):
            read(fallback(s3=refusing, local=local), "a.txt")
    finally:
        backend_failed.disconnect(on_failed)
        fallback_used.disconnect(on_used)
    assert [(e["backend"], e["outcome"], e["error_type"]) for e in failed] == [
        ("s3", "unreachable", "EndpointConnectionError")
    ]
    assert [(e["backend"], e["passed"]) for e in used] == [("local", {"s3": "unreachable"})]
    own = [record for record in caplog.records if record.name == "fallback_storage"]
    assert [record.levelname for record in own] == ["WARNING", "DEBUG"]
    assert HOST not in "".join(record.getMessage() for record in own)


# Stopped, killed, frozen


def test_a_server_that_comes_back_is_used_again(
    own_seaweedfs: SeaweedFS, own_s3: S3Storage, local: FileSystemStorage
) -> None:
    storage = fallback(s3=own_s3, local=local, breakers=False)
    put(storage, "before.txt", b"before")
    own_seaweedfs.kill()
    with pytest.raises(BotoCoreError):
        storage.open("before.txt")
    with pytest.raises(BotoCoreError):
        storage.exists("before.txt")
    during = put(storage, "during.txt", b"during")
    assert storage.locate(during) == "local"
    own_seaweedfs.start()
    assert read(storage, "before.txt") == b"before"
    assert read(storage, during) == b"during"
    assert storage.locate(put(storage, "after.txt")) == "s3"
    assert sorted(storage.listdir("")[1]) == sorted(["before.txt", during, "after.txt"])


@pytest.mark.parametrize("size", [200_000, MULTIPART])
def test_a_server_killed_in_the_middle_of_a_save(
    size: int, own_seaweedfs: SeaweedFS, own_s3: S3Storage, local: FileSystemStorage
) -> None:
    put(own_s3, "a.bin", b"earlier")
    content = os.urandom(size)
    storage = fallback(s3=own_s3, local=local)
    name = storage.save("a.bin", File(Interrupting(content, own_seaweedfs.kill), "a.bin"))
    assert not own_seaweedfs.running
    assert read(local, name) == content
    own_seaweedfs.start()
    assert read(own_s3, "a.bin") == b"earlier"
    assert own_s3.listdir("")[1] == ["a.bin"]
    assert read(storage, name) == content


def test_content_that_kills_the_server_and_then_breaks_leaves_nothing(
    own_seaweedfs: SeaweedFS, own_s3: S3Storage, local: FileSystemStorage
) -> None:
    def broken() -> None:
        own_seaweedfs.kill()
        raise ValueError("The content is broken.")

    storage = fallback(s3=own_s3, local=local)
    with pytest.raises(ValueError, match="content is broken"):
        storage.save("a.bin", File(Interrupting(os.urandom(200_000), broken), "a.bin"))
    own_seaweedfs.start()
    assert storage.listdir("") == ([], [])


def test_a_server_killed_in_the_middle_of_a_read(
    own_seaweedfs: SeaweedFS, own_s3: S3Storage, local: FileSystemStorage
) -> None:
    content = os.urandom(MULTIPART)
    storage = fallback(s3=own_s3, local=local)
    for each in (own_s3, local):
        each.save("a.bin", ContentFile(content))
    with (
        storage.open("a.bin") as file,
        at_the_first_byte(own_s3, own_seaweedfs.kill),
        pytest.raises(Exception) as error,  # noqa: PT011 - whatever the client has
    ):
        file.read()
    assert not isinstance(error.value, FileNotFoundError)
    assert read(storage, "a.bin") == content  # by the next backend
    own_seaweedfs.start()
    local.delete("a.bin")
    assert read(storage, "a.bin") == content


def test_a_frozen_server_costs_its_client_s_timeout_and_no_answer(
    own_seaweedfs: SeaweedFS, impatient: S3Storage, own_s3: S3Storage, local: FileSystemStorage
) -> None:
    put(own_s3, "s3.txt")
    put(local, "local.txt")
    storage = fallback(s3=impatient, local=local)
    own_seaweedfs.pause()
    for question in ("open", "size", "exists", "listdir"):
        with pytest.raises(ReadTimeoutError):
            QUESTIONS[question](storage, "s3.txt")
    assert read(storage, "local.txt") == b"content"
    name = put(storage, "new.txt", b"new")
    assert read(local, name) == b"new"
    own_seaweedfs.resume()
    patient = fallback(s3=own_s3, local=local)
    assert read(patient, "s3.txt") == b"content"
    assert read(patient, name) == b"new"


def test_a_server_frozen_in_the_middle_of_a_save(
    own_seaweedfs: SeaweedFS, impatient: S3Storage, own_s3: S3Storage, local: FileSystemStorage
) -> None:
    content = os.urandom(200_000)
    storage = fallback(s3=impatient, local=local)
    name = storage.save("a.bin", File(Interrupting(content, own_seaweedfs.pause), "a.bin"))
    assert read(local, name) == content
    own_seaweedfs.resume()
    assert read(fallback(s3=own_s3, local=local), name) == content
    assert not own_s3.exists(name)
