"""An object of S3, opened and read in one request; S3File makes three: two HEADs and a GET."""

from __future__ import annotations

import re
import shutil
from contextlib import closing, suppress
from typing import Any, cast
from weakref import WeakMethod, WeakSet

from botocore.exceptions import ClientError
from django.utils.functional import cached_property
from storages.backends.s3 import S3File, _filter_download_params
from storages.utils import clean_name

from fallback_storage.backend.copied import Facts
from fallback_storage.backend.part import Part
from fallback_storage.errors import UnsupportedOperation
from fallback_storage.statuses import http_status

_MISSING = 404
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


def open_with_one_get(storage: Any, name: str, mode: str, unread: WeakSet[Any]) -> Any:
    """Open an object for reading; it is in ``unread`` as long as it holds a connection.

    Raises what ``S3Storage`` does, but that a bucket which is gone is no missing file: a HEAD
    cannot tell.
    """
    key = storage._normalize_name(clean_name(name))
    try:
        return OneGetFile(key, mode, storage, unread)
    except ClientError as error:
        gone = error.response.get("Error", {}).get("Code") == "NoSuchBucket"
        if http_status(error) == _MISSING and not gone:
            raise FileNotFoundError(f"File does not exist: {key}") from error
        raise


def get_part(storage: Any, name: str, range_: str | None) -> Part:
    """Begin to read an object, or a range of it; the whole in a plain GET, with its checksum.

    ``UnsupportedOperation`` for one that is compressed, and that its storage decompresses.
    """
    key = storage._normalize_name(clean_name(name))
    parameters = _filter_download_params(storage.get_object_parameters(key))
    if range_ is not None:
        parameters["Range"] = range_
    client = storage.connection.meta.client
    given = client.get_object(Bucket=storage.bucket_name, Key=key, **parameters)
    encoding = given.get("ContentEncoding")
    if encoding and storage.gzip:
        given["Body"].close()
        raise UnsupportedOperation(f"{name!r} is kept as {encoding}.")
    found = _CONTENT_RANGE.fullmatch(given.get("ContentRange", ""))
    start, size = (int(found[1]), int(found[2])) if found else (0, given["ContentLength"])
    facts = Facts(given["ContentType"], given["LastModified"], encoding)
    return Part(given["Body"], start, size, facts)


class OneGetFile(S3File):  # type: ignore[misc]
    """An S3File whose first question is a GET; its body is read when the file is.

    The GET is a plain one: with a range it would have no checksum. A large file is downloaded in
    parts at a time, as by S3File: over a distance a single connection is slower.
    """

    def __init__(self, key: str, mode: str, storage: Any, unread: WeakSet[Any]) -> None:
        self._body: Any = None
        self._unread = unread
        super().__init__(key, mode, storage)
        del self._object.load  # It is there: what else is asked of it goes to S3.

    def __del__(self) -> None:
        """Let go of the connection of a file that nobody has read or closed."""
        with suppress(Exception):
            self._drop()

    @property
    def obj(self) -> Any:
        return self._object

    @obj.setter
    def obj(self, value: Any) -> None:
        # S3File loads it once, and downloads it when it is first read. It must not hold this file.
        download = WeakMethod(self._download)
        self._object = value
        value.load = self._load
        value.download_fileobj = lambda *args, **options: cast(Any, download())(*args, **options)

    @cached_property
    def _parameters(self) -> dict[str, Any]:
        given: dict[str, Any] = self._storage.get_object_parameters(self.name)
        return {
            "Bucket": self._object.bucket_name,
            "Key": self._object.key,
            **_filter_download_params(given),
        }

    def _get(self, **condition: str) -> tuple[dict[str, Any], Any]:
        response = self._object.meta.client.get_object(**self._parameters, **condition)
        return response, response.pop("Body")

    def _load(self, **parameters: Any) -> None:
        self._object.meta.data, self._body = self._get()
        if self._object.content_length >= self._storage.transfer_config.multipart_threshold:
            self._drop()
        else:
            self._unread.add(self)

    def _download(self, file: Any, **options: Any) -> None:
        body = self._taken()
        if body is None:
            type(self._object).download_fileobj(self._object, file, **options)
            return
        try:
            _copy(body, file)
        except Exception:
            # Nobody has seen a byte of it yet: asked for again, if it is the same.
            file.seek(0)
            file.truncate()
            _copy(self._get(IfMatch=self._object.e_tag)[1], file)

    def _taken(self) -> Any:
        body, self._body = self._body, None
        self._unread.discard(self)
        return body

    def _drop(self) -> None:
        """Close the connection of a body that nobody reads: to read it may take long."""
        body = self._taken()
        if body is not None:
            body.close()

    def close(self) -> None:
        self._drop()
        super().close()


def _copy(body: Any, file: Any) -> None:
    with closing(body):
        shutil.copyfileobj(body, file, 1024 * 1024)
