"""S3: a file is created only where there is none, on servers that honour conditions and others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3Storage

from fallback_storage.backend.adapters import adapter_for, s3
from fallback_storage.storage import FallbackStorage, OverlayStorage
from fallback_storage.testing.promises.material import read

from .conftest import MakeS3

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def nothing_known_of_any_server() -> Iterator[None]:
    s3._honours.clear()
    yield
    s3._honours.clear()


class Server:
    """Makes the server of a storage answer otherwise; records what it is asked."""

    def __init__(self, storage: S3Storage) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.statuses: dict[str, list[int]] = {}
        self.ignores = False
        events = storage.connection.meta.client.meta.events
        events.register("before-call.s3", self._before_call)
        events.register("before-send.s3", self._before_send)

    def _before_call(self, model: Any, params: dict[str, Any], **kwargs: Any) -> None:
        condition = "If-None-Match" in params["headers"]
        self.asked.append((model.name, condition))
        if self.ignores:
            params["headers"].pop("If-None-Match", None)

    def _before_send(self, request: Any, event_name: str, **kwargs: Any) -> AWSResponse | None:
        statuses = self.statuses.get(event_name.rpartition(".")[2], [])
        if not statuses or "If-None-Match" not in request.headers:
            return None
        status = statuses.pop(0)
        if not status:
            return None  # The server's own answer.
        raw: Any = type("Raw", (), {"stream": lambda self: iter([b""])})()
        return AWSResponse(request.url, status, {}, raw)


def names_in(storage: S3Storage) -> list[str]:
    return sorted(each.key for each in storage.bucket.objects.all())


def create(storage: S3Storage, name: str, content: bytes) -> str | None:
    return adapter_for(storage).create(name, ContentFile(content, name), None)


def test_a_server_that_honours_conditions_is_asked_once_per_process(
    make_s3: MakeS3, bucket: str
) -> None:
    storage = make_s3(bucket, file_overwrite=False)
    server = Server(storage)
    assert create(storage, "a.txt", b"first") == "a.txt"
    assert create(storage, "a.txt", b"second") is None
    assert create(storage, "b.txt", b"other") == "b.txt"
    assert [asked for asked in server.asked if asked[0] == "HeadObject"] == []
    assert server.asked.count(("PutObject", True)) == 2 + 3
    assert names_in(storage) == ["a.txt", "b.txt"]
    assert read(storage, "a.txt") == b"first"


def test_a_server_that_ignores_conditions_is_looked_at_first(make_s3: MakeS3, bucket: str) -> None:
    storage = make_s3(bucket, file_overwrite=False)
    server = Server(storage)
    server.ignores = True
    assert create(storage, "a.txt", b"first") == "a.txt"
    assert create(storage, "a.txt", b"second") is None
    assert read(storage, "a.txt") == b"first"
    assert names_in(storage) == ["a.txt"]


@pytest.mark.parametrize("status", [400, 501])
def test_a_server_that_does_not_know_conditions_is_looked_at_first(
    make_s3: MakeS3, bucket: str, status: int, tmp_path: Any
) -> None:
    upper = make_s3(bucket)
    Server(upper).statuses["PutObject"] = [status] * 9
    lower = FileSystemStorage(tmp_path)
    lower.save("a.txt", ContentFile(b"production's"))
    overlay = OverlayStorage([upper, lower], promote=True)
    assert read(overlay, "a.txt") == b"production's"
    assert names_in(upper) == ["a.txt"]
    overlay.delete("a.txt")
    assert not overlay.exists("a.txt")


@pytest.mark.parametrize("says", [True, False])
def test_what_its_owner_says_of_a_server_is_believed(
    make_s3: MakeS3, bucket: str, says: bool
) -> None:
    storage = make_s3(bucket, file_overwrite=False)
    server = Server(storage)
    entry = {"BACKEND": storage, "CONDITIONAL_WRITES": says}
    assert FallbackStorage([entry]).save("a.txt", ContentFile(b"a")) == "a.txt"
    puts = [asked for asked in server.asked if asked[0] == "PutObject"]
    assert puts == [("PutObject", says)]


def test_a_conflict_is_tried_again(make_s3: MakeS3, bucket: str) -> None:
    storage = make_s3(bucket)
    assert create(storage, "old.txt", b"a") == "old.txt"
    Server(storage).statuses["PutObject"] = [409, 409]
    assert create(storage, "a.txt", b"a") == "a.txt"
    assert read(storage, "a.txt") == b"a"


def test_a_conflict_that_stays_is_an_error_and_nothing_is_stored(
    make_s3: MakeS3, bucket: str
) -> None:
    storage = make_s3(bucket)
    assert create(storage, "old.txt", b"a") == "old.txt"
    Server(storage).statuses["PutObject"] = [409, 409, 409]
    with pytest.raises(ClientError):
        create(storage, "a.txt", b"a")
    assert names_in(storage) == ["old.txt"]


def test_a_large_file_is_created_in_parts_with_its_parameters(
    make_s3: MakeS3, bucket: str
) -> None:
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    storage = make_s3(
        bucket,
        transfer_config=config,
        object_parameters={"CacheControl": "max-age=60"},
        file_overwrite=False,
    )
    server = Server(storage)
    content = bytes(range(256)) * (12 * MIB // 256)
    assert create(storage, "large.bin", content) == "large.bin"
    assert [name for name, _ in server.asked].count("UploadPart") == 3
    assert ("CompleteMultipartUpload", True) in server.asked
    assert read(storage, "large.bin") == content
    assert storage.bucket.Object("large.bin").cache_control == "max-age=60"


def test_a_large_file_that_came_second_is_not_stored_and_leaves_no_parts(
    make_s3: MakeS3, bucket: str
) -> None:
    config = TransferConfig(
        multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, use_threads=False
    )
    storage = make_s3(bucket, transfer_config=config, file_overwrite=False)
    assert create(storage, "large.bin", b"first") == "large.bin"
    assert create(storage, "large.bin", b"x" * (6 * MIB)) is None
    assert read(storage, "large.bin") == b"first"
    assert list(storage.bucket.multipart_uploads.all()) == []


def test_two_saves_of_one_name_get_two_names(make_s3: MakeS3, bucket: str) -> None:
    """The second one is told by the server, though both found the name free."""
    storages = [make_s3(bucket, file_overwrite=False) for _ in range(2)]
    first, second = (FallbackStorage([each]) for each in storages)
    names = [each._save("a.txt", ContentFile(b"x")) for each in (first, second)]
    assert names[0] == "a.txt"
    assert names[1] != "a.txt"
    assert names_in(storages[0]) == sorted(names)


def test_amazons_server_is_known_to_honour_conditions_and_not_asked() -> None:
    storage = S3Storage(
        bucket_name="bucket", access_key="key", secret_key="secret", region_name="eu-west-1"
    )
    assert s3.S3(storage, S3Storage)._honours_conditions()
    assert s3._honours == {}


@pytest.mark.parametrize("statuses", [[403], [0, 403]])
def test_a_server_that_cannot_be_asked_is_not_judged(
    make_s3: MakeS3, bucket: str, statuses: list[int]
) -> None:
    storage = make_s3(bucket)
    Server(storage).statuses["PutObject"] = statuses
    with pytest.raises(ClientError):
        create(storage, "a.txt", b"a")
    assert s3._honours == {}
    assert names_in(storage) == []


def test_what_is_not_wanted_any_more_is_not_created(make_s3: MakeS3, bucket: str) -> None:
    storage = make_s3(bucket)
    adapter = adapter_for(storage)
    assert adapter.create("a.txt", ContentFile(b"a"), lambda: True) is None
    assert names_in(storage) == []
