"""What the promises are checked with: contents of every kind, and ways to store and read them."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.core.files.uploadedfile import TemporaryUploadedFile


class ContentBrokeError(Exception):
    """Raised by a `BrokenContent` half-way, and by nothing else."""


class BrokenContent(io.BytesIO):
    """Content that can be read for a kilobyte, and then raises."""

    def __init__(self) -> None:
        super().__init__(bytes(1024))

    def read(self, size: int | None = -1) -> bytes:
        """What is left of the first kilobyte, if anything is."""
        if data := super().read(size):
            return data
        raise ContentBrokeError


class _Pipe(io.RawIOBase):
    """A raw stream that can be read once, and cannot seek."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._rest.readinto(buffer)


def stream(content: bytes) -> File[bytes]:
    """Content that cannot seek, as a pipe or a response's body."""
    return File(io.BufferedReader(_Pipe(content)), "stream.bin")


@contextlib.contextmanager
def temporary_upload(content: bytes) -> Iterator[TemporaryUploadedFile]:
    """A large upload, as Django's upload handlers leave it on disk."""
    with TemporaryUploadedFile("upload.bin", "", len(content), None) as upload:
        upload.write(content)
        upload.flush()
        yield upload


@contextlib.contextmanager
def refuses(*errors: type[BaseException]) -> Iterator[None]:
    """Fails unless the block raises one of these errors; another error comes out as it is."""
    try:
        yield
    except errors:
        return
    raise AssertionError(f"Nothing was raised, not {', '.join(e.__name__ for e in errors)}.")


def read(storage: Storage, name: str, mode: str = "rb") -> Any:
    """The whole file."""
    with storage.open(name, mode) as file:
        return file.read()


def write(storage: Storage, name: str, mode: str, content: bytes) -> None:
    """Write through ``open``."""
    with storage.open(name, mode) as file:
        file.write(content)


def put(storage: Storage, name: str, content: bytes = b"content") -> str:
    """Save, and return the name stored."""
    return storage.save(name, ContentFile(content))


def save_together(
    storage: Storage, name: str, *contents: bytes, patience: float = 5
) -> list[Future[str]]:
    """Save all under one name, each when all have chosen theirs and none is stored yet.

    A storage that saves under a lock lets one choose at a time: that one goes on by itself after
    ``patience`` seconds.
    """
    choose, chosen = storage.get_available_name, threading.local()
    everyone = threading.Barrier(len(contents))

    def choose_together(*args: Any, **kwargs: Any) -> str:
        choice = choose(*args, **kwargs)
        if not hasattr(chosen, "once"):  # a storage may choose again when it finds itself late
            chosen.once = True
            with contextlib.suppress(threading.BrokenBarrierError):
                everyone.wait(timeout=patience)
        return choice

    with (
        patch.object(storage, "get_available_name", choose_together),
        ThreadPoolExecutor(len(contents)) as threads,
    ):
        return [threads.submit(put, storage, name, content) for content in contents]
