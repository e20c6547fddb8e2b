"""Production as the applications find it, and the combined storages over it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from botocore.exceptions import EndpointConnectionError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages
from PIL import Image
from storages.backends.s3 import S3Storage

from example.seaweedfs import SeaweedFS
from fallback_storage.errors import StorageUnavailable
from tests.apps.gate import HOST, Gate
from tests.servers.requests import RequestCounter

#: What an outage is raised as: a FallbackStorage raises the one error that there is.
UNAVAILABLE = (StorageUnavailable, EndpointConnectionError)
TIMEOUT = 20.0  # seconds: of a server that is up no test waits for the end of it
#: What a file holds, and what its server changes whenever the file is written.
Stored = tuple[bytes, str]


class Production(Protocol):
    """A storage that is somewhere else, and can be away."""

    gate: Gate
    #: Its entry of ``STORAGES``.
    entry: Mapping[str, Any]
    #: What was stored past the gate.
    given: dict[str, Stored]

    def put(self, name: str, content: bytes) -> None:
        """Store a file past the gate."""

    def files(self) -> dict[str, Stored]:
        """Return all that lies there, looked at past the gate."""

    def asked(self) -> int:
        """Return how many requests were sent through the gate."""

    def changes(self) -> list[str]:
        """Return those requests that do more than read."""


class S3:
    """A bucket of SeaweedFS, behind a gate."""

    given: dict[str, Stored]
    requests: RequestCounter

    def __init__(self, server: SeaweedFS, gate: Gate) -> None:
        self.gate, self.given = gate, {}
        bucket = server.create_bucket(f"production-{uuid4()}")
        options = server.storage_options(bucket, timeout=TIMEOUT) | {"file_overwrite": False}
        self._direct = S3Storage(**options)
        options = options | {"endpoint_url": f"http://{HOST}:{gate.port}"}
        self.through_gate = S3Storage(**options)
        self.entry: Mapping[str, Any] = {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": options,
        }

    def put(self, name: str, content: bytes) -> None:
        self._direct.bucket.put_object(Key=name, Body=content)
        self.given[name] = self._look(name)

    def files(self) -> dict[str, Stored]:
        return {each.key: self._look(each.key) for each in self._direct.bucket.objects.all()}

    def _look(self, name: str) -> Stored:
        answer = self._direct.bucket.Object(name).get()
        return answer["Body"].read(), f"{answer['ETag']} {answer['LastModified']}"

    def asked(self) -> int:
        return self.requests.total

    def changes(self) -> list[str]:
        reads = ("Get", "Head", "List")
        return [each for each in self.requests.by_operation if not each.startswith(reads)]


class Site:
    """A web site with the files of a directory, behind a gate."""

    given: dict[str, Stored]

    def __init__(self, directory: Path, gate: Gate, asked: list[str]) -> None:
        self.gate, self.given = gate, {}
        self._asked = asked
        self._direct = FileSystemStorage(directory)
        self.entry: Mapping[str, Any] = {
            "BACKEND": "fallback_storage.http.HTTPStorage",
            "OPTIONS": {"base_url": f"http://{HOST}:{gate.port}/", "allow_http": True},
        }

    def put(self, name: str, content: bytes) -> None:
        self._direct.save(name, ContentFile(content))
        self.given[name] = self.files()[name]

    def files(self) -> dict[str, Stored]:
        root = Path(self._direct.location)
        paths = [path for path in root.rglob("*") if path.is_file()]
        return {
            str(path.relative_to(root)): (path.read_bytes(), str(path.stat().st_mtime_ns))
            for path in paths
        }

    def asked(self) -> int:
        return len(self._asked)

    def changes(self) -> list[str]:
        return [each for each in self._asked if not each.startswith(("GET ", "HEAD "))]


class World:
    """A production, a disk, and the storage that the applications have."""

    def __init__(self, name: str, production: Production, directory: Path, **options: Any) -> None:
        self.name = name
        self.production = production
        self.disk = FileSystemStorage(directory / "media", base_url="/media/")
        self._options = options

    @property
    def is_overlay(self) -> bool:
        return self.name.startswith("overlay")

    @property
    def backends(self) -> list[str]:
        return ["disk", "production"] if self.is_overlay else ["production", "disk"]

    def storages(self) -> dict[str, Any]:
        """Return ``STORAGES``, without that of the static files."""
        disk = {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": self.disk.location, "base_url": "/media/"},
        }
        if self.name == "bare":
            return {"default": self.production.entry, "private": self.production.entry}
        kind = "Overlay" if self.is_overlay else "Fallback"
        combined = {
            "BACKEND": f"fallback_storage.storage.{kind}Storage",
            "OPTIONS": {"backends": self.backends, **self._options},
        }
        return {
            "default": combined,
            "private": combined,
            "disk": disk,
            "production": self.production.entry,
        }

    @property
    def storage(self) -> Storage:
        return storages["default"]

    @contextmanager
    def production_down(self) -> Iterator[None]:
        """Shut production's gate while the block runs, and forget what breakers learned of it."""
        with self.production.gate.closed():
            yield
        for backend in getattr(self.storage, "backends", ()):
            if backend.breaker is not None:
                backend.breaker.reset()

    def requests(self, *calls: Any) -> list[int]:
        """Return how many requests reach production in each of ``calls``."""
        counts = []
        for call in calls:
            before = self.production.asked()
            call()
            counts.append(self.production.asked() - before)
        return counts


def picture(color: str = "red", size: tuple[int, int] = (80, 60)) -> bytes:
    """Return a picture as a camera would give it."""
    written = io.BytesIO()
    Image.new("RGB", size, color).save(written, "JPEG")
    return written.getvalue()


def size_of(content: bytes) -> tuple[int, int]:
    """Return the width and the height of a picture."""
    with Image.open(io.BytesIO(content)) as image:
        return image.size


def read(storage: Storage, name: str | None) -> bytes:
    """Return what a file holds."""
    assert name
    with storage.open(name) as file:
        content: bytes = file.read()
    return content


def streamed(answer: Any) -> bytes:
    """Return what a response streams."""
    return b"".join(answer.streaming_content)
