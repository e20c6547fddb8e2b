"""Storages whose own `exists` and `delete` hide an outage: MinIO's, Swift's and WebDAV's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, Storage
from django.test import override_settings
from django_webdav_storage.storage import WebDavStorage
from swift.storage import SwiftStorage

from example.seaweedfs import SeaweedFS
from fallback_storage.backend.adapters import adapter_for
from fallback_storage.errors import StorageUnavailable, UnsupportedOperation
from fallback_storage.storage import FallbackStorage, OverlayStorage
from tests.servers.files import read
from tests.servers.minio import minio_storage
from tests.servers.swift import KEY, Swift
from tests.servers.webdav import WebDAVServer

NAME = "d/a.txt"


@dataclass
class Remote:
    """A storage with a file, and how to take its server away."""

    storage: Storage
    stop: Callable[[], None]


@contextmanager
def minio(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Remote]:
    server: SeaweedFS = request.getfixturevalue("seaweedfs")
    bucket: str = request.getfixturevalue("bucket")
    storage = minio_storage(server, bucket)
    refused: int = request.getfixturevalue("refused")

    def stop() -> None:
        storage.client = minio_storage(server, bucket, refused).client

    yield Remote(storage, stop)
    minio_storage(server, bucket).delete(NAME)


@contextmanager
def swift(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Remote]:
    with Swift("container") as server:
        yield Remote(SwiftStorage(**server.options("container")), server.stop)


@contextmanager
def swift_refusing(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Remote]:
    with Swift("container") as server:

        def refuse() -> None:
            server.refusal = 503

        yield Remote(SwiftStorage(**server.options("container")), refuse)


@contextmanager
def webdav(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Remote]:
    with WebDAVServer(tmp_path) as server, override_settings(WEBDAV_RECURSIVE_MKCOL=True):
        yield Remote(WebDavStorage(webdav_url=server.url), server.stop)


@pytest.fixture(params=[minio, swift, swift_refusing, webdav], ids=lambda make: make.__name__)
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Remote]:
    with request.param(tmp_path, request) as made:
        made.storage.save(NAME, ContentFile(b"content"))
        yield made


#: What is asked of a combined storage, and must not be answered while the server is away.
QUESTIONS: dict[str, Callable[[Any], object]] = {
    "exists": lambda storage: storage.exists(NAME),
    "size": lambda storage: storage.size(NAME),
    "open": lambda storage: storage.open(NAME).read(),
    "delete": lambda storage: storage.delete(NAME),
    "locate": lambda storage: storage.locate("d/b.txt"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_outage_is_no_answer(remote: Remote, question: str) -> None:
    overlay = OverlayStorage([InMemoryStorage(), remote.storage])
    alone = FallbackStorage([remote.storage, InMemoryStorage()])
    remote.stop()
    with pytest.raises(Exception) as raised:  # noqa: PT011 - each client has its own.
        QUESTIONS[question](alone)
    assert not isinstance(raised.value, FileNotFoundError)
    if question != "delete":  # In an overlay a delete asks nobody: it hides the file.
        with pytest.raises(StorageUnavailable):
            QUESTIONS[question](overlay)


def test_a_save_does_not_take_a_name_that_may_be_taken(remote: Remote) -> None:
    overlay = OverlayStorage([InMemoryStorage(), remote.storage])
    remote.stop()
    assert overlay.save(NAME, ContentFile(b"new")) != NAME


def test_a_missing_file_is_missing_and_a_present_one_is_deleted(remote: Remote) -> None:
    storage = FallbackStorage([remote.storage])
    assert not storage.exists("d/b.txt")
    for question in (storage.size, storage.open):
        with pytest.raises(FileNotFoundError):
            question("d/b.txt")
    assert storage.size(NAME) == 7
    storage.delete(NAME)
    storage.delete("d/b.txt")
    assert not storage.exists(NAME)


@pytest.mark.parametrize(
    ("name", "mode"), [(NAME, "wb"), (NAME, "ab"), (NAME, "r+b"), ("d/b.txt", "xb")]
)
def test_what_would_be_lost_in_an_opened_file_is_refused(
    remote: Remote, name: str, mode: str
) -> None:
    with pytest.raises(UnsupportedOperation):
        FallbackStorage([remote.storage]).open(name, mode)
    with pytest.raises(UnsupportedOperation):
        OverlayStorage([remote.storage, InMemoryStorage()]).open(name, mode)
    assert read(FallbackStorage([remote.storage]), NAME) == b"content"


def test_text_is_text(remote: Remote) -> None:
    remote.storage.delete(NAME)
    remote.storage.save(NAME, ContentFile("äöü".encode()))
    with FallbackStorage([remote.storage]).open(NAME, "r") as file:
        assert file.read() == "äöü"


def test_a_bucket_of_minio_s_that_is_gone_holds_no_missing_files(
    seaweedfs: SeaweedFS, bucket: str
) -> None:
    gone = FallbackStorage([minio_storage(seaweedfs, f"{bucket}-gone")])
    with pytest.raises(StorageUnavailable, match="S3Error"):
        gone.open(NAME)


def of_swift(server: Swift, **options: Any) -> OverlayStorage:
    memory = InMemoryStorage()
    memory.save(NAME, ContentFile(b"here"))
    given = server.options("container") | options
    swift = {"BACKEND": "swift.storage.SwiftStorage", "OPTIONS": given, "NAME": "swift"}
    return OverlayStorage([memory, swift])


def test_while_a_swift_that_connects_when_it_is_built_is_down_local_files_are_served() -> None:
    with Swift("container") as server:
        server.refusal = 503
        overlay = of_swift(server)
        assert read(overlay, NAME) == b"here"
        with pytest.raises(StorageUnavailable, match="swift"):
            overlay.size("d/b.txt")
        server.refusal = None
        assert not overlay.exists("d/b.txt")
        server.containers["container"]["d/b.txt"] = b"there", 0.0
        assert read(overlay, "d/b.txt") == b"there"
        assert overlay.backends[1].is_remote


def test_a_wrong_key_of_swift_s_is_a_mistake_in_the_settings() -> None:
    with Swift("container") as server, pytest.raises(ImproperlyConfigured) as raised:
        of_swift(server, api_key="wrong-key").size("d/b.txt")
    assert KEY not in str(raised.value)


@pytest.fixture
def swift_storage() -> Iterator[SwiftStorage]:
    with Swift("container") as server:
        yield SwiftStorage(**server.options("container"))


def test_what_a_copy_would_undo_is_not_created_in_swift(swift_storage: SwiftStorage) -> None:
    assert adapter_for(swift_storage).create(NAME, ContentFile(b"new"), lambda: True) is None
    assert not swift_storage.exists(NAME)


def test_a_subclass_of_swift_s_that_saves_in_a_way_of_its_own_is_looked_at_first() -> None:
    class Own(SwiftStorage):  # type: ignore[misc]
        def _save(self, name: str, content: Any) -> Any:
            return super()._save(name, content)

    with Swift("container") as server:
        own = adapter_for(Own(**server.options("container")))
        assert own.create(NAME, ContentFile(b"new"), None) == NAME
        assert own.create(NAME, ContentFile(b"newer"), None) is None
        assert read(own.storage, NAME) == b"new"
