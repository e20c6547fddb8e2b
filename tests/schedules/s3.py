"""S3 without a network: django-storages' own storage, over a bucket in memory.

Each request is one step. ``If-None-Match: *`` is honoured, as AWS does.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, unquote, urlsplit

from boto3.s3.transfer import TransferConfig
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.httpsession import URLLib3Session
from storages.backends import s3 as s3_module
from storages.backends.s3 import S3Storage
from urllib3 import HTTPResponse

from .actors import actor
from .steps import Step
from .stores import Bucket

_BUCKET = "first"


def s3_storage(*, file_overwrite: bool = False) -> Any:
    """Return a storage with one thread of its own: no step is taken in another."""
    return S3Storage(
        bucket_name=_BUCKET,
        access_key="key",
        secret_key="secret",
        region_name="us-east-1",
        addressing_style="path",
        file_overwrite=file_overwrite,
        custom_domain="first.example",
        transfer_config=TransferConfig(use_threads=False),
        client_config=Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
        ),
    )


Answer = tuple[int, dict[str, str], bytes]


class S3:
    """What answers the requests."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.parts: dict[str, dict[int, bytes]] = {}

    @contextmanager
    def in_turns(self) -> Iterator[None]:
        """Answer every request of botocore."""
        # What an actor that ended leaves open is to be no warning.
        in_memory = SimpleNamespace(SpooledTemporaryFile=lambda **options: io.BytesIO())
        with (
            patch.object(URLLib3Session, "send", lambda session, request: self._send(request)),
            patch.object(s3_module, "tempfile", in_memory),
        ):
            yield

    def _send(self, request: Any) -> AWSResponse:
        url = urlsplit(request.url)
        query = parse_qs(url.query, keep_blank_values=True)
        key = unquote(url.path).removeprefix(f"/{_BUCKET}").lstrip("/")
        body = _body(request.body)
        if_none = request.headers.get("If-None-Match") is not None
        me = actor()

        def answer() -> Answer:
            return self._answer(request.method, key, query, body, if_none=if_none)

        if me is None:
            return _response(request, *answer())
        step = _step(request.method, key, query, if_none=if_none)
        return _response(request, *me.step(step, answer, lambda answered: answered[0]))

    def _answer(
        self, method: str, key: str, query: dict[str, list[str]], body: bytes, *, if_none: bool
    ) -> Answer:
        if not key:
            return self._listing()
        if "uploads" in query or "uploadId" in query:
            return self._upload(method, key, query, body, if_none=if_none)
        if method == "PUT":
            return self._put(key, body, if_none=if_none)
        if method == "DELETE":
            self.bucket.pop(key, None)
            return 204, {}, b""
        if key not in self.bucket:
            return _error(404, "NoSuchKey")
        return 200, _headers(self.bucket[key]), self.bucket[key] if method == "GET" else b""

    def _put(self, key: str, body: bytes, *, if_none: bool) -> Answer:
        if if_none and key in self.bucket:
            return _error(412, "PreconditionFailed")
        self.bucket[key] = body
        return 200, {"ETag": '"tag"'}, b""

    def _upload(
        self, method: str, key: str, query: dict[str, list[str]], body: bytes, *, if_none: bool
    ) -> Answer:
        if "uploads" in query:
            upload = str(len(self.parts))
            self.parts[upload] = {}
            return _xml("InitiateMultipartUploadResult", UploadId=upload)
        upload = query["uploadId"][0]
        if method == "PUT":
            self.parts[upload][int(query["partNumber"][0])] = body
            return 200, {"ETag": '"tag"'}, b""
        parts = self.parts.pop(upload)
        if method == "DELETE":
            return 204, {}, b""
        put = self._put(key, b"".join(parts[n] for n in sorted(parts)), if_none=if_none)
        return _xml("CompleteMultipartUploadResult", ETag="tag") if put[0] == 200 else put

    def _listing(self) -> Answer:
        keys = [f"<Contents><Key>{key}</Key></Contents>" for key in sorted(self.bucket)]
        return _xml("ListBucketResult", *keys, IsTruncated="false")


def _xml(root: str, *elements: str, **values: str) -> Answer:
    told = [f"<{key}>{value}</{key}>" for key, value in values.items()]
    body = f"<{root}>{''.join((*told, *elements))}</{root}>".encode()
    return 200, {"Content-Length": str(len(body))}, body


_MODIFIED = format_datetime(datetime(2000, 1, 1, tzinfo=UTC), usegmt=True)


def _step(method: str, key: str, query: dict[str, list[str]], *, if_none: bool) -> Step:
    is_part = "uploads" in query or (method == "PUT" and "uploadId" in query)
    what = f"{method} upload" if is_part else method
    where = f"first/{key}" + (" if-none-match" if if_none else "")
    changes = method in ("PUT", "POST", "DELETE") and not is_part
    return Step(what, where, changes=changes, quiet=is_part)


def _body(body: Any) -> bytes:
    if hasattr(body, "read"):
        return bytes(body.read())
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def _headers(content: bytes) -> dict[str, str]:
    return {
        "Content-Length": str(len(content)),
        "ETag": '"tag"',
        "Last-Modified": _MODIFIED,
        "Content-Type": "text/plain",
    }


def _error(status: int, code: str) -> Answer:
    return status, *_xml("Error", Code=code)[1:]


def _response(request: Any, status: int, headers: dict[str, str], body: bytes) -> AWSResponse:
    if request.method == "HEAD":
        body = b""
    raw = HTTPResponse(
        io.BytesIO(body), headers, status, preload_content=False, request_method=request.method
    )
    response = AWSResponse(request.url, status, raw.headers, raw)
    if not request.stream_output:
        response.content  # noqa: B018 - read now, as botocore does.
    return response
