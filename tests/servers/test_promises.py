"""The table in docs/backends.md says what each backend does, as found here."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import django
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.test import override_settings
from django_webdav_storage.storage import WebDavStorage
from moto.server import ThreadedMotoServer
from storages.backends.s3 import S3Storage
from storages.backends.sftpstorage import SFTPStorage
from swift.storage import SwiftStorage

from example.seaweedfs import SeaweedFS
from example.weed import HOST

from .azure import CONTAINER, AzureBlob, MakeAzure
from .conftest import MakeHTTP, MakeS3
from .ftp import FTPServer, MakeFTP
from .gcs import FakeGCS, LoopbackStorage
from .minio import minio_storage
from .openssh import OpenSSH
from .promises import NOT_AT_ALL, PROMISES, Place, kept
from .sftp import SFTPServer
from .site import Site
from .swift import Swift
from .webdav import LISTING, WebDAVServer

DOCS = Path(__file__).parents[2] / "docs" / "backends.md"

pytestmark = [
    # FTPStorage drops a connection that it cannot use without closing it.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
    # A download that fails leaves AzureStorage's temporary file open.
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.Spooled:ResourceWarning"),
]

#: Makes an empty place in a folder of that name.
NewPlace = Callable[[str, FileSystemStorage], Place]


def by_storage(
    make: Callable[..., Storage], below: FileSystemStorage, overwriting: str = "", **options: Any
) -> Place:
    """A place that is filled as its own storage does it, replacing what is there."""

    def put(name: str, content: bytes) -> None:
        storage = make()
        storage.delete(name)
        storage.save(name, ContentFile(content))

    replacing = partial(make, **{overwriting: True}) if overwriting else None
    return Place(make, put, below, replacing, **options)


@contextmanager
def disk(tmp_path: Path) -> Iterator[NewPlace]:
    overwriting = "allow_overwrite" if django.VERSION >= (5, 1) else ""
    yield lambda folder, below: by_storage(
        partial(FileSystemStorage, tmp_path / folder), below, overwriting
    )


@contextmanager
def memory(tmp_path: Path) -> Iterator[NewPlace]:
    def new(folder: str, below: FileSystemStorage) -> Place:
        storage = InMemoryStorage()
        return by_storage(lambda: storage, below, is_shared=False)

    yield new


def of_buckets(make: Callable[..., S3Storage]) -> NewPlace:
    def new(folder: str, below: FileSystemStorage) -> Place:
        def make_here(file_overwrite: bool = False) -> S3Storage:
            return make(location=folder, file_overwrite=file_overwrite)

        return by_storage(make_here, below, "file_overwrite")

    return new


@contextmanager
def moto(tmp_path: Path) -> Iterator[NewPlace]:
    server = ThreadedMotoServer(HOST, 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        options = {
            "endpoint_url": f"http://{host}:{port}",
            "region_name": "us-east-1",
            "access_key": "key",
            "secret_key": "secret",
            "bucket_name": "bucket",
        }
        S3Storage(**options).connection.create_bucket(Bucket="bucket")
        yield of_buckets(lambda **more: S3Storage(**options, **more))
    finally:
        server.stop()


@contextmanager
def azure(tmp_path: Path) -> Iterator[NewPlace]:
    with AzureBlob(CONTAINER) as server:
        make = MakeAzure(server)
        yield lambda folder, below: by_storage(
            partial(make, location=folder), below, "overwrite_files"
        )
        for storage in make.made:
            storage.service_client.close()


@contextmanager
def gcs(tmp_path: Path) -> Iterator[NewPlace]:
    with FakeGCS(tmp_path) as server:
        server.client().create_bucket("bucket")

        def new(folder: str, below: FileSystemStorage) -> Place:
            def make(file_overwrite: bool = False) -> LoopbackStorage:
                options = {"location": folder, "file_overwrite": file_overwrite}
                return LoopbackStorage(server, "bucket", **options)

            return by_storage(make, below, "file_overwrite")

        yield new


@contextmanager
def of_sftp(files: Path, params: dict[str, Any], root: str) -> Iterator[NewPlace]:
    made: list[SFTPStorage] = []

    def make(folder: str) -> SFTPStorage:
        storage = SFTPStorage(
            host=HOST,
            params=params,
            root_path=f"{root}/{folder}/",
            known_host_file=str(files.parent / "known_hosts"),
        )
        made.append(storage)
        return storage

    def new(folder: str, below: FileSystemStorage) -> Place:
        (files / folder).mkdir()
        return by_storage(lambda: make(folder), below)

    yield new
    for storage in made:
        storage.close()


@contextmanager
def sftp(tmp_path: Path) -> Iterator[NewPlace]:
    files = tmp_path / "files"
    files.mkdir()
    with SFTPServer(files) as server, of_sftp(files, server.params, "") as new:
        yield new


@contextmanager
def openssh(tmp_path: Path) -> Iterator[NewPlace]:
    files = tmp_path / "files"
    files.mkdir()
    with OpenSSH(tmp_path) as server, of_sftp(files, server.params, str(files)) as new:
        yield new


@contextmanager
def ftp(tmp_path: Path) -> Iterator[NewPlace]:
    with FTPServer(tmp_path) as server:
        make = MakeFTP(server)

        def new(folder: str, below: FileSystemStorage) -> Place:
            (tmp_path / folder).mkdir()
            location = f"{server.location()}{folder}/"
            return by_storage(partial(make, location), below, "allow_overwrite")

        yield new
        for storage in make.made:
            if storage._connection is not None:
                storage._connection.close()


@contextmanager
def webdav(tmp_path: Path) -> Iterator[NewPlace]:
    files = tmp_path / "files"
    files.mkdir()
    with WebDAVServer(files) as server:

        def new(folder: str, below: FileSystemStorage) -> Place:
            (files / folder).mkdir()
            url = f"{server.url}{folder}"
            return by_storage(partial(WebDavStorage, webdav_url=url), below)

        with override_settings(WEBDAV_RECURSIVE_MKCOL=True, WEBDAV_LISTING_BACKEND=LISTING):
            yield new


@contextmanager
def swift(tmp_path: Path) -> Iterator[NewPlace]:
    with Swift() as server:

        def new(folder: str, below: FileSystemStorage) -> Place:
            server.containers[folder] = {}
            return by_storage(partial(SwiftStorage, **server.options(folder)), below)

        yield new


BACKENDS: dict[str, Callable[[Path], Any]] = {
    "disk": disk,
    "memory": memory,
    "S3 (moto)": moto,
    "Azure": azure,
    "Google Cloud": gcs,
    "SFTP": sftp,
    "SFTP (OpenSSH)": openssh,
    "FTP": ftp,
    "WebDAV": webdav,
    "Swift": swift,
}


def column(new: NewPlace, tmp_path: Path) -> list[str]:
    """Return what is found of each promise, each in a place of its own."""
    return [
        kept(promise, new(f"p{number}", FileSystemStorage(tmp_path / "below" / str(number))))
        for number, promise in enumerate(PROMISES.values())
    ]


def check(backend: str, found: list[str]) -> None:
    """Compare what was found with the column in the documentation."""
    lines = DOCS.read_text().splitlines()
    head = next(line for line in lines if f"| {backend} |" in line and "SFTP" in line)
    at = lines.index(head)
    rows = [line.strip("| ").split(" | ") for line in lines[at + 2 : at + 2 + len(PROMISES)]]
    titles = [title.strip() for title in head.split("|")[1:-1]]
    documented = {row[0]: row[titles.index(backend)] for row in rows}
    if backend == "disk" and django.VERSION < (5, 1):  # It has no allow_overwrite yet.
        documented["a replacement that breaks off leaves the older file"] = NOT_AT_ALL
    assert documented == dict(zip(PROMISES, found, strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_keeps_what_the_table_says(backend: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with BACKENDS[backend](place) as new:
        check(backend, column(new, tmp_path))
    gc.collect()


def test_s3_keeps_what_the_table_says(make_s3: MakeS3, bucket: str, tmp_path: Path) -> None:
    def make(**options: Any) -> S3Storage:
        return make_s3(bucket, **options)

    check("S3 (SeaweedFS)", column(of_buckets(make), tmp_path))


def test_minio_s_client_keeps_what_the_table_says(
    seaweedfs: SeaweedFS, bucket: str, tmp_path: Path
) -> None:
    def new(folder: str, below: FileSystemStorage) -> Place:
        return by_storage(partial(minio_storage, seaweedfs, new_bucket(folder)), below)

    buckets: list[str] = []

    def new_bucket(folder: str) -> str:
        buckets.append(seaweedfs.create_bucket(f"minio-{folder}-{uuid4()}"))
        return buckets[-1]

    check("MinIO's client", column(new, tmp_path))


def test_a_site_keeps_what_the_table_says(site: Site, make_http: MakeHTTP, tmp_path: Path) -> None:
    def new(folder: str, below: FileSystemStorage) -> Place:
        site.files.clear()
        return Place(make_http, site.files.__setitem__, below, is_read_only=True)

    check("HTTP", column(new, tmp_path))
