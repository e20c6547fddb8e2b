"""A real S3 server, buckets in it, and storages over them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol
from uuid import uuid4

import pytest
from storages.backends.s3 import S3Storage

from example.seaweedfs import SeaweedFS

TIMEOUT = 2.0


class MakeS3(Protocol):
    """Builds a storage over a bucket of `server`, of the shared one by default."""

    def __call__(
        self, bucket: str, server: SeaweedFS | None = None, **options: Any
    ) -> S3Storage: ...


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[SeaweedFS]:
    """The server all tests of this process share: it is never stopped or frozen."""
    with SeaweedFS() as server:
        yield server


@pytest.fixture
def own_seaweedfs() -> Iterator[SeaweedFS]:
    """A server of one test's own, to be killed or frozen."""
    with SeaweedFS() as server:
        yield server


@pytest.fixture
def bucket(seaweedfs: SeaweedFS) -> Iterator[str]:
    """An empty bucket of the shared server."""
    name = seaweedfs.create_bucket(f"test-{uuid4()}")
    yield name
    seaweedfs.client.delete_bucket(Bucket=name)


@pytest.fixture
def make_s3(request: pytest.FixtureRequest) -> MakeS3:
    """Makes storages that wait two seconds at most and ask once."""

    def make(bucket: str, server: SeaweedFS | None = None, **options: Any) -> S3Storage:
        server = server or request.getfixturevalue("seaweedfs")
        return S3Storage(**server.storage_options(bucket, timeout=TIMEOUT) | options)

    return make
