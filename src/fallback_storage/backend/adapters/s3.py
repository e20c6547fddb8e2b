"""Amazon's S3, and servers that speak its protocol, by django-storages."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property, partial
from itertools import islice
from typing import Any, ClassVar
from urllib.parse import urlsplit
from weakref import WeakSet

from django.core.files.base import File

from fallback_storage.backend.adapters.base import Adapter, SkipIf
from fallback_storage.backend.adapters.client import Client
from fallback_storage.backend.adapters.s3_permission import write_permission
from fallback_storage.backend.copied import Facts
from fallback_storage.backend.part import Part
from fallback_storage.backend.permission import Permission
from fallback_storage.errors import UnsupportedOperation
from fallback_storage.names import TEMPORARY
from fallback_storage.outcomes import class_paths
from fallback_storage.resilience.parallel import in_parallel
from fallback_storage.statuses import http_status

_READING = frozenset({"rb", "r", "rt"})
# Precondition failed; conflict with another conditional request.
_TAKEN, _CONFLICT = 412, 409
# How servers answer to a condition that they do not know.
_NOT_IMPLEMENTED = frozenset({400, 501})
# Whether the server of a bucket honours conditions: by its address and the bucket's name.
_honours: dict[tuple[str, str], bool] = {}


class S3(Adapter):
    """S3Storage: an upload is one request, which happens or does not."""

    atomic_save = True
    downloads_whole = True
    thread_safe = True
    client: ClassVar[Client | None] = Client(
        hangs="for 180 s",
        option="client_config",
        setting="AWS_S3_CLIENT_CONFIG",
        keys=("connect_timeout", "read_timeout"),
        advice='"client_config": botocore.config.Config(connect_timeout=2, read_timeout=5,'
        ' retries={"total_max_attempts": 1}), or the setting AWS_S3_CLIENT_CONFIG',
    )

    def __init__(self, storage: Any, base: type | None = None) -> None:
        super().__init__(storage, base)
        # Of each thread, as the client is: files that hold one of its connections.
        self._of_this_thread = threading.local()

    def open(self, name: str, mode: str) -> Any:
        """Open a file; read it in one request, while its client has connections to spare."""
        if mode in _READING and self._opens_as_known:
            unread = vars(self._of_this_thread).setdefault("unread", WeakSet())
            if len(unread) < self._client.meta.config.max_pool_connections // 2:
                from fallback_storage.backend.adapters.s3_file import open_with_one_get

                return open_with_one_get(self.storage, name, mode, unread)
        return self.storage.open(name, mode)

    def read_part(self, name: str, range_: str | None) -> Part:
        if not self._opens_as_known:
            raise UnsupportedOperation(f"read_part({name!r}): the class has an open of its own.")
        from fallback_storage.backend.adapters.s3_file import get_part

        return get_part(self.storage, name, range_)

    @cached_property
    def _opens_as_known(self) -> bool:
        return self.exact and self.keeps("open", "_open")

    def prepare(self) -> bool:
        # Its client is a thread's own, and takes a tenth of a second or more to build.
        if hasattr(self.storage._connections, "connection"):
            return False
        self.storage.connection  # noqa: B018
        return True

    def exists(self, name: str) -> bool:
        if not name:
            raise NotImplementedError("The root of a bucket is no object.")
        exists: bool = self.storage.exists(name)
        return exists

    def open_checks_existence(self, file: Any) -> bool:
        return "storages.backends.s3.S3File" in class_paths(file)  # It sends a HEAD when built.

    def facts(self, file: Any) -> Facts:
        found = getattr(file, "obj", None)
        if found is None or not found.meta.data:
            return Facts()
        return Facts(found.content_type, found.last_modified)

    def refuses_mode(self, mode: str) -> bool:
        return "a" in mode or "+" in mode

    @cached_property
    def can_create(self) -> bool:
        # A subclass may store in another way.
        return self.keeps("_save", "_open", "exists", "delete") and not self.storage.gzip

    def create(self, name: str, content: File[bytes], skip_if: SkipIf) -> str | None:
        if not self.can_create or not self._honours_conditions():
            return super().create(name, content, skip_if)
        if skip_if and skip_if():
            return None
        key = self.storage._normalize_name(name)
        parameters = self.storage._get_write_parameters(key, content)
        tries = 3
        while True:
            tries -= 1
            content.seek(0)
            try:
                self._put_if_absent(key, content, parameters)
            except Exception as error:
                status = http_status(error)
                if status == _TAKEN:
                    return None
                # Another request for the name was under way; it may have come to nothing.
                if status != _CONFLICT or not tries:
                    raise
            else:
                return name

    @property
    def _client(self) -> Any:
        return self.storage.connection.meta.client

    def _put_if_absent(self, key: str, content: File[bytes], parameters: dict[str, Any]) -> None:
        target = {"Bucket": self.storage.bucket_name, "Key": key}
        if content.size >= self.storage.transfer_config.multipart_threshold:
            self._put_parts_if_absent(target, content, parameters)
        else:
            self._client.put_object(**target, **parameters, Body=content, IfNoneMatch="*")

    def _put_parts_if_absent(
        self, target: dict[str, str], content: File[bytes], parameters: dict[str, Any]
    ) -> None:
        client, config = self._client, self.storage.transfer_config

        def given(operation: str) -> dict[str, Any]:
            shape = client.meta.service_model.operation_model(operation).input_shape
            return {key: each for key, each in parameters.items() if key in shape.members}

        upload = client.create_multipart_upload(**target, **given("CreateMultipartUpload"))
        target = target | {"UploadId": upload["UploadId"]}

        def put(number: int, part: bytes) -> dict[str, Any]:
            answer = client.upload_part(
                **target, **given("UploadPart"), PartNumber=number, Body=part
            )
            return {"PartNumber": number, "ETag": answer["ETag"]}

        at_once = config.max_request_concurrency if config.use_threads else 1
        parts: list[dict[str, Any]] = []
        chunks = enumerate(content.chunks(config.multipart_chunksize), start=1)
        try:
            while batch := list(islice(chunks, at_once)):
                parts += in_parallel([partial(put, number, part) for number, part in batch])
            client.complete_multipart_upload(
                **target,
                **given("CompleteMultipartUpload"),
                MultipartUpload={"Parts": parts},
                IfNoneMatch="*",
            )
        except BaseException:
            with suppress(Exception):  # What is left of it, a rule of the bucket has to remove.
                client.abort_multipart_upload(**target)
            raise

    def _honours_conditions(self) -> bool:
        """Return whether the server refuses to create what is there.

        Amazon's does. Of another it is found out once per process, under a name that nobody has.
        """
        if self.conditional_writes is not None:
            return self.conditional_writes
        endpoint = self._client.meta.endpoint_url
        if (urlsplit(endpoint).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn")):
            return True
        place = (endpoint, self.storage.bucket_name)
        if place not in _honours:
            _honours[place] = self._probe()
        return _honours[place]

    def _probe(self) -> bool:
        key = self.storage._normalize_name(f"{TEMPORARY}probe-{secrets.token_hex(8)}")
        target = {"Bucket": self.storage.bucket_name, "Key": key}
        try:
            self._client.put_object(**target, Body=b"", IfNoneMatch="*")
        except Exception as error:
            if http_status(error) in _NOT_IMPLEMENTED:
                return False
            raise
        try:
            self._client.put_object(**target, Body=b"", IfNoneMatch="*")
        except Exception as error:
            if http_status(error) == _TAKEN:
                return True
            raise
        finally:
            self._client.delete_object(**target)
        return False

    def write_permission(self) -> Permission:
        return write_permission(self.storage)

    @classmethod
    def transfers_in_threads(cls, option: Callable[[str, str], Any]) -> bool:
        config = option("transfer_config", "AWS_S3_TRANSFER_CONFIG")
        if config is None:
            return option("use_threads", "AWS_S3_USE_THREADS") is not False
        return bool(getattr(config, "use_threads", True))
