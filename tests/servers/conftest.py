"""A real S3 server, buckets in it, a web site, and storages over them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from unittest import mock
from uuid import uuid4

import pytest
from botocore.loaders import create_loader
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3Storage

from example.seaweedfs import SeaweedFS
from example.weed import HOST
from fallback_storage.http import HTTPStorage

from .certificates import make_certificate
from .files import Pair
from .site import Site

# Of a server that is up no test waits for the end of it, however busy the machine is.
PATIENCE = 30.0


class MakeS3(Protocol):
    """Builds a storage over a bucket of `server`, of the shared one by default."""

    def __call__(
        self, bucket: str, server: SeaweedFS | None = None, **options: Any
    ) -> S3Storage: ...


@pytest.fixture(scope="session", autouse=True)
def _shared_loader() -> Iterator[None]:
    """Each storage has a session of its own, which would read botocore's files anew: 0.15 s."""
    with mock.patch("botocore.session.create_loader", cache(create_loader)):
        yield


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
def other_bucket(seaweedfs: SeaweedFS) -> Iterator[str]:
    """Another empty bucket of the shared server."""
    name = seaweedfs.create_bucket(f"other-{uuid4()}")
    yield name
    seaweedfs.client.delete_bucket(Bucket=name)


@pytest.fixture
def local(tmp_path: Path) -> FileSystemStorage:
    """An empty directory."""
    return FileSystemStorage(tmp_path / "local", base_url="/media/")


@pytest.fixture
def refused() -> Iterator[int]:
    """A port that refuses every connection, and that nobody else can take."""
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        yield bound.getsockname()[1]


@pytest.fixture
def make_s3(request: pytest.FixtureRequest) -> MakeS3:
    """Makes patient storages that ask once."""

    def make(bucket: str, server: SeaweedFS | None = None, **options: Any) -> S3Storage:
        server = server or request.getfixturevalue("seaweedfs")
        return S3Storage(**server.storage_options(bucket, timeout=PATIENCE) | options)

    return make


@pytest.fixture
def s3(make_s3: MakeS3, bucket: str) -> S3Storage:
    """A storage over an empty bucket; a save on a taken name replaces the object."""
    return make_s3(bucket)


@pytest.fixture(params=["local, s3", "s3, local", "s3, s3"])
def pair(request: pytest.FixtureRequest, s3: S3Storage, local: FileSystemStorage) -> Pair:
    """Two storages in each order, at least one of them on S3."""
    if request.param == "local, s3":
        return Pair(local, s3)
    if request.param == "s3, local":
        return Pair(s3, local)
    return Pair(s3, request.getfixturevalue("make_s3")(request.getfixturevalue("other_bucket")))


class MakeHTTP(Protocol):
    """Builds a storage over a site that is trusted, unless the options say otherwise."""

    def __call__(self, **options: Any) -> HTTPStorage: ...


@pytest.fixture
def site() -> Iterator[Site]:
    """A site of one test's own."""
    with Site() as site:
        yield site


@pytest.fixture
def tls_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site over TLS, whose certificate is trusted."""
    certificate = tmp_path / "certificate.pem"
    context = make_certificate(certificate, HOST)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with Site(context) as site:
        yield site


@pytest.fixture
def make_http(site: Site) -> MakeHTTP:
    """Makes patient storages over `site`."""
    limits = dict.fromkeys(("connect_timeout", "read_timeout", "deadline"), PATIENCE)

    def make(**options: Any) -> HTTPStorage:
        options = {"allow_http": True, "probe": False} | limits | options
        given: dict[str, Any] = {"base_url": site.base_url} | options
        return HTTPStorage(**given)

    return make
