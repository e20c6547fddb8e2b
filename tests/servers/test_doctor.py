"""``storage_doctor`` and real servers: what it asks them, and that nothing there changes."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import boto3
import moto.settings
import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.core.management.base import CommandError
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client
from moto.server import ThreadedMotoServer
from storages.backends.azure_storage import AzureStorage
from storages.backends.gcloud import GoogleCloudStorage
from storages.backends.s3 import S3Storage

from example.seaweedfs import SeaweedFS, client_config
from example.weed import HOST
from fallback_storage.backend.adapters import adapter_for
from fallback_storage.backend.permission import Writing
from fallback_storage.diagnosis.diagnosis import Questions, diagnose
from fallback_storage.diagnosis.finding import Finding
from fallback_storage.names import TEMPORARY
from tests.django.override import override_storages

from .azure import CONTAINER, AzureBlob, MakeAzure
from .conftest import PATIENCE, MakeHTTP, MakeS3
from .gcs import FakeGCS, LoopbackStorage
from .requests import counting
from .site import Site

FALLBACK = "fallback_storage.storage.FallbackStorage"
NAME = "photos/a.jpg"
#: What the doctor asks of a bucket, in order.
ASKED = ["HeadObject", "ListObjects", "HeadObject", "HeadObject"]


def doctor(backend: Any, read_only: bool = True, **questions: Any) -> dict[str, Finding]:
    """What is found of a storage, by code."""
    entry = {"BACKEND": backend, "NAME": "production", "READ_ONLY": read_only}
    with override_storages({"other": {"BACKEND": FALLBACK, "OPTIONS": {"backends": [entry]}}}):
        findings = diagnose("other", FALLBACK, Questions(**questions)).findings
    return {each.code: each for each in findings}


def contents(client: Any, bucket: str) -> Any:
    """All that a bucket holds: objects with their times, and uploads that have begun."""
    objects = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    uploads = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return [(each["Key"], each["ETag"], each["LastModified"]) for each in objects], uploads


@pytest.fixture(scope="module")
def with_readers() -> Iterator[SeaweedFS]:
    others = {"reader": ["Read", "List"], "getter": ["Read"]}
    with SeaweedFS(others=others) as server:
        server.create_bucket("bucket")
        server.client.put_object(Bucket="bucket", Key=NAME, Body=b"picture")
        yield server


@contextmanager
def moto_with_users() -> Iterator[Callable[[list[str]], dict[str, Any]]]:
    """A server that checks the policies of its users; give the options for one who may this."""
    server = ThreadedMotoServer(HOST, 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    session = boto3.Session("root", "secret", region_name="us-east-1")
    iam = session.client("iam", endpoint_url=url, config=client_config(PATIENCE))

    def user(actions: list[str]) -> dict[str, Any]:
        name = f"user-{len(iam.list_users()['Users'])}"
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=policy)
        return {
            "endpoint_url": url,
            "access_key": key["AccessKeyId"],
            "secret_key": key["SecretAccessKey"],
            "bucket_name": "bucket",
            "region_name": "us-east-1",
            "client_config": client_config(PATIENCE),
        }

    try:
        yield user
    finally:
        server.stop()


READER, WRITER = ["s3:GetObject", "s3:ListBucket"], ["s3:*"]


@pytest.mark.parametrize(
    ("key", "read_only", "code", "level"),
    [
        (None, True, "can-write", "problem"),
        (None, False, "can-write", "well"),
        ("reader", True, "no-write", "well"),
        ("reader", False, "cannot-write", "problem"),
        ("getter", True, "no-write", "well"),
    ],
)
def test_write_permission_on_seaweedfs(
    key: str | None,
    read_only: bool,
    code: str,
    level: str,
    with_readers: SeaweedFS,
    make_s3: MakeS3,
) -> None:
    given = {} if key is None else {"access_key": key}
    storage = make_s3("bucket", with_readers, **given)
    before = contents(with_readers.client, "bucket")
    with counting() as requests:
        finding = doctor(storage, read_only, check_write=True)[code]
    assert (finding.subject, finding.level) == ("production", level)
    assert [operation for operation, _ in requests.made] == [*ASKED, "CopyObject"]
    assert contents(with_readers.client, "bucket") == before


@pytest.mark.parametrize(
    ("actions", "code", "level"),
    [(WRITER, "can-write", "problem"), (READER, "no-write", "well")],
)
def test_write_permission_on_moto(
    actions: list[str], code: str, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with moto_with_users() as user:
        root, options = S3Storage(**user(WRITER)), user(actions)
        root.connection.create_bucket(Bucket="bucket")
        root.save(NAME, ContentFile(b"picture"))
        before = contents(root.connection.meta.client, "bucket")
        monkeypatch.setattr(moto.settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
        with counting() as requests:
            finding = doctor(S3Storage(**options), check_write=True)[code]
        assert finding.level == level
        assert [operation for operation, _ in requests.made] == [*ASKED, "CopyObject"]
        assert contents(root.connection.meta.client, "bucket") == before


def test_without_check_write_a_bucket_is_only_read(s3: S3Storage) -> None:
    with counting() as requests:
        doctor(s3)
    assert [operation for operation, _ in requests.made] == ASKED


def test_the_request_has_nothing_to_write(make_s3: MakeS3, bucket: str) -> None:
    storage = make_s3(
        bucket, location="media", object_parameters={"ServerSideEncryption": "AES256"}
    )
    with counting() as requests:
        adapter_for(storage).write_permission()
        adapter_for(storage).write_permission()
    (first, headers), (_, others) = requests.made
    assert first == "CopyObject"
    source = headers["x-amz-copy-source"]
    assert source.startswith(f"{bucket}/media/{TEMPORARY}doctor-")
    assert source.endswith("-source")
    assert headers["x-amz-server-side-encryption"] == "AES256"
    assert headers.get("Content-Length", "0") == "0"
    assert source != others["x-amz-copy-source"]


def test_a_bucket_that_is_not_there_tells_no_permission(make_s3: MakeS3) -> None:
    found = doctor(make_s3("no-such-bucket"), check_write=True)
    assert "NoSuchBucket" in found["listing-failed"].says
    assert found["write-not-known"].level == "note"


def test_wrong_credentials_are_named_and_not_printed(make_s3: MakeS3, bucket: str) -> None:
    storage = make_s3(bucket, secret_key="s3cr3t")
    found = doctor(storage, check_write=True)
    assert "SignatureDoesNotMatch" in found["denied"].says
    assert "write-not-known" in found
    assert "s3cr3t" not in str(found)


class _Answering(BaseHTTPRequestHandler):
    """Answers every copy with one status."""

    status, body = 200, b""

    def do_PUT(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


_COPIED = b"<CopyObjectResult><ETag>e</ETag></CopyObjectResult>"


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()


@pytest.mark.parametrize(
    ("status", "body", "writing", "evidence"),
    [
        (200, _COPIED, Writing.CAN, "took the copy of nothing for an upload: delete '.wh..wh."),
        (403, _error("AccessDenied"), Writing.NOT_SEEN, "AccessDenied"),
        (404, _error("NoSuchKey"), Writing.CAN, "looked for something to copy"),
        (403, _error("ExpiredToken"), None, ""),
        (501, _error("NotImplemented"), None, ""),
        (503, _error("SlowDown"), None, ""),
    ],
)
def test_what_a_server_says_to_the_copy(
    status: int, body: bytes, writing: Writing | None, evidence: str, make_s3: MakeS3, bucket: str
) -> None:
    handler = type("Handler", (_Answering,), {"status": status, "body": body})
    server = ThreadingHTTPServer((HOST, 0), cast(Any, handler))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    adapter = adapter_for(make_s3(bucket, endpoint_url=f"http://{HOST}:{server.server_port}"))
    try:
        if writing is None:
            with pytest.raises(ClientError):
                adapter.write_permission()
        else:
            permission = adapter.write_permission()
            assert permission.writing is writing
            assert evidence in permission.evidence
    finally:
        adapter.storage.connection.meta.client.close()
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_signed_url_answers_and_is_printed_unsigned(s3: S3Storage) -> None:
    s3.save(NAME, ContentFile(b"picture"))
    out = StringIO()
    backends = [{"BACKEND": s3, "NAME": "production", "READ_ONLY": True}]
    other = {"BACKEND": FALLBACK, "OPTIONS": {"backends": backends}}
    with override_storages({"other": other}), counting() as requests:
        call_command("storage_doctor", "other", "--name", NAME, stdout=out, no_color=True)
    assert "photos/a.jpg?… answers with the same 7 bytes" in out.getvalue()
    assert "its clock agrees" in out.getvalue()
    secrets = [s3.access_key, s3.secret_key, "Signature", "Credential", "Expires"]
    assert not [secret for secret in secrets if secret in out.getvalue()]
    assert requests.by_operation["GetObject"] == 1
    assert Counter(ASKED) < requests.by_operation
    s3.delete(NAME)


def test_a_signature_that_the_server_refuses(make_s3: MakeS3, bucket: str) -> None:
    storage = make_s3(bucket)
    storage.save(NAME, ContentFile(b"picture"))
    unsigned = make_s3(bucket, querystring_auth=False)
    found = doctor(unsigned, name=NAME)
    assert found["comes-through"].level == "well"
    assert "answers 403" in found["url-fails"].says
    assert "querystring_auth" in found["url-fails"].advice
    storage.delete(NAME)


def test_a_server_that_is_down_takes_one_question(
    make_s3: MakeS3, bucket: str, refused: int
) -> None:
    storage = make_s3(bucket, endpoint_url=f"http://{HOST}:{refused}")
    with counting() as requests:
        found = doctor(storage, check_write=True)
    assert found["unreachable"].level == "problem"
    assert [operation for operation, _ in requests.made] == ["HeadObject"]


def test_a_public_site_only_reads(site: Site, make_http: MakeHTTP) -> None:
    site.files[NAME] = b"picture"
    found = doctor(make_http(), check_write=True, name=NAME)
    assert found["no-write"].level == "well"
    assert found["no-listing"].level == "note"
    assert found["url-answers"].level == "well"
    assert {method for method, _ in site.asked} == {"HEAD", "GET"}


class _Google(BaseHTTPRequestHandler):
    """Google's testIamPermissions, for who may do ``granted``."""

    granted: tuple[str, ...] = ()
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {urlsplit(self.path).path}")
        body = json.dumps({"permissions": self.granted} if self.granted else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.mark.parametrize(
    ("granted", "writing"),
    [(("storage.objects.create",), Writing.CAN), ((), Writing.NOT_SEEN)],
)
def test_write_permission_on_google(granted: tuple[str, ...], writing: Writing) -> None:
    asked: list[str] = []
    handler = type("Handler", (_Google,), {"granted": granted, "asked": asked})
    server = ThreadingHTTPServer((HOST, 0), cast(Any, handler))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    client = Client(
        project="test",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": f"http://{HOST}:{server.server_port}"},
    )
    storage = GoogleCloudStorage(bucket_name="bucket")
    storage._client = client
    try:
        assert adapter_for(storage).write_permission().writing is writing
        # What is there tells no time with an error.
        assert adapter_for(storage).server_time() is None
    finally:
        client.close()
        server.shutdown()
        thread.join()
        server.server_close()
    assert "GET /storage/v1/b/bucket/iam/testPermissions" in asked


def test_nothing_changes_on_google(tmp_path: Path) -> None:
    with FakeGCS(tmp_path) as server:
        server.client().create_bucket("bucket")
        storage = LoopbackStorage(server, "bucket")
        storage.save(NAME, ContentFile(b"picture"))
        before = len(storage.requests)
        found = doctor(storage, check_write=True, name=NAME)
        made = [request.split()[0] for request in storage.requests[before:]]
        assert set(made) == {"GET"}
        assert found["clock"].level == "well"
        assert found["comes-through"].level == "well"


@pytest.fixture
def make_azure() -> Iterator[MakeAzure]:
    with AzureBlob(CONTAINER) as server:
        make = MakeAzure(server)
        yield make
        for storage in make.made:
            storage.service_client.close()


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_an_account_key_of_azure_can_write(make_azure: MakeAzure) -> None:
    found = doctor(make_azure(), check_write=True)
    assert found["can-write"].level == "problem"
    assert "an account key" in found["can-write"].says
    assert found["clock"].level == "well"
    assert {method for method, _ in make_azure.server.requests} <= {"GET", "HEAD"}


SAS = "sv=2022-11-02&ss=b&srt=co&se=2030-01-01&sig=s3cr3t"


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
@pytest.mark.parametrize(
    ("options", "writing"),
    [
        ({"sas_token": f"{SAS}&sp=rl"}, Writing.NOT_SEEN),
        ({"sas_token": f"?sp=rcwd&{SAS}"}, Writing.CAN),
        ({"sas_token": "si=policy&sig=s3cr3t"}, Writing.UNKNOWN),
        ({"token_credential": object()}, Writing.UNKNOWN),
        (
            {"connection_string": f"AccountName=a;SharedAccessSignature={SAS}&sp=rl"},
            Writing.NOT_SEEN,
        ),
        ({"connection_string": "AccountName=a;AccountKey=a2V5"}, Writing.CAN),
    ],
)
def test_a_sas_of_azure_says_what_it_may(options: dict[str, Any], writing: Writing) -> None:
    storage = AzureStorage(account_name="a", azure_container=CONTAINER, **options)
    permission = adapter_for(storage).write_permission()
    assert permission.writing is writing
    assert "s3cr3t" not in permission.evidence


def test_production_that_can_be_written_ends_with_1(s3: S3Storage) -> None:
    backends = [{"BACKEND": s3, "NAME": "production", "READ_ONLY": True}]
    other = {"BACKEND": FALLBACK, "OPTIONS": {"backends": backends}}
    out = StringIO()
    with (
        override_storages({"other": other}),
        pytest.raises(CommandError, match="other/production: can-write") as caught,
    ):
        call_command("storage_doctor", "other", "--check-write", stdout=out, no_color=True)
    assert caught.value.returncode == 1
    assert "Use credentials that can only read" in out.getvalue()
