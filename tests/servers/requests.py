"""How many HTTP requests some S3 storages made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from botocore.hooks import EventAliaser
from storages.backends.s3 import S3Storage

EVENT = "before-send.s3."


class RequestCounter:
    """The requests to the buckets of `storages`, or to all buckets if there are none.

    A retry counts as the request it is. `total` counts all, `by_operation` each of S3's names:
    `PutObject`, `HeadObject`, …
    """

    def __init__(self, *storages: S3Storage) -> None:
        self.by_operation: Counter[str] = Counter()
        #: Each request: S3's name for it, and its headers.
        self.made: list[tuple[str, dict[str, str]]] = []
        self._buckets = {f"{s.endpoint_url}/{s.bucket_name}" for s in storages}
        self._lock = Lock()

    @property
    def total(self) -> int:
        return self.by_operation.total()

    def add(self, operation: str, request: Any) -> None:
        if not self._buckets or _bucket(request.url) in self._buckets:
            headers = {
                name: value.decode() if isinstance(value, bytes) else str(value)
                for name, value in request.headers.items()
            }
            with self._lock:
                self.by_operation[operation] += 1
                self.made.append((operation, headers))

    def __repr__(self) -> str:
        return f"{self.total} requests: {dict(self.by_operation)}"


@contextmanager
def counting(*storages: S3Storage) -> Iterator[RequestCounter]:
    """Count the requests of `storages` while the block runs, whichever thread makes them.

    Each thread has a client of its own, made at its first request: to register a handler with
    the clients that are there would miss the others, and would make one that was not needed.
    """
    counter = RequestCounter(*storages)
    emit = EventAliaser.emit

    def counted(self: EventAliaser, event_name: str, **kwargs: Any) -> Any:
        if event_name.startswith(EVENT):
            counter.add(event_name.removeprefix(EVENT), kwargs["request"])
        return emit(self, event_name, **kwargs)

    with mock.patch.object(EventAliaser, "emit", counted):
        yield counter


def _bucket(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/{parts.path.split('/')[1]}"
