"""Storages without local paths, some of them slow, and combined storages over them."""

from __future__ import annotations

import errno
import io
import threading
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import InMemoryStorage, Storage

from fallback_storage.combined.base import CombinedStorage
from fallback_storage.resilience.breaker import Breaker
from fallback_storage.resilience.guard import Guard
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage

PATIENCE = 60.0


class Remote(Storage):
    """A storage without local paths."""

    def __init__(self, location: str = "") -> None:
        self.files: dict[str, bytes] = {}

    def _open(self, name: str, mode: str = "rb") -> Any:
        if "w" in mode:
            return _Written(self, name)
        if name not in self.files:
            raise FileNotFoundError(errno.ENOENT, "missing", name)
        return ContentFile(self.files[name], name)

    def _save(self, name: str, content: File[Any]) -> str:
        self.files[name] = b"".join(content.chunks())
        return name

    def exists(self, name: str) -> bool:
        return name in self.files

    def size(self, name: str) -> int:
        if name not in self.files:
            raise FileNotFoundError(errno.ENOENT, "missing", name)
        return len(self.files[name])

    def get_modified_time(self, name: str) -> datetime:
        return datetime(2026, 1, 1)

    def listdir(self, path: str) -> Any:
        return [], list(self.files)

    def delete(self, name: str) -> None:
        self.files.pop(name, None)

    def url(self, name: str | None) -> str:
        return f"https://remote.example/{name}"


class _Written(io.BytesIO):
    def __init__(self, storage: Remote, name: str) -> None:
        super().__init__()
        self._storage, self._name = storage, name

    def close(self) -> None:
        if not self.closed:
            self._storage.files[self._name] = self.getvalue()
        super().close()


def remote() -> RemoteFaultyStorage:
    return RemoteFaultyStorage(Remote())


def local() -> FaultyStorage:
    return FaultyStorage(InMemoryStorage())


def pair(first: Storage, second: Storage, **keys: Any) -> FallbackStorage:
    """Two backends, the first with keys of its own."""
    return FallbackStorage(
        backends=[{"BACKEND": first, "NAME": "first", **keys}, {"BACKEND": second, "NAME": "2nd"}]
    )


def breaker_of(storage: CombinedStorage, backend: int = 0) -> Breaker:
    breaker = storage.backends[backend].breaker
    assert breaker is not None
    return breaker


def guard_of(storage: CombinedStorage, backend: int = 0) -> Guard:
    guard = storage.backends[backend].guard
    assert guard is not None
    return guard


def open_breaker(storage: CombinedStorage, backend: int = 0) -> None:
    breaker = breaker_of(storage, backend)
    for _ in range(breaker.options.failures):
        breaker.faulted(breaker.permit() or 0)
    assert breaker.state == "open"


class Slow(Remote):
    """A server that answers one kind of question when it may."""

    def __init__(self, slow: str) -> None:
        super().__init__()
        self.slow = slow
        self.asked = threading.Event()
        self.may_answer = threading.Event()
        self.threads: list[str] = []

    def _wait(self, operation: str) -> None:
        self.threads.append(threading.current_thread().name)
        if operation == self.slow:
            self.asked.set()
            assert self.may_answer.wait(PATIENCE)

    def exists(self, name: str) -> bool:
        self._wait("exists")
        return super().exists(name)

    def size(self, name: str) -> int:
        self._wait("size")
        return super().size(name)

    def get_modified_time(self, name: str) -> Any:
        self._wait("get_modified_time")
        return super().get_modified_time(name)

    def listdir(self, path: str) -> Any:
        for each in super().listdir(path):
            self._wait("listdir")
            yield each

    def _open(self, name: str, mode: str = "rb") -> Any:
        self._wait("open")
        return super()._open(name, mode)

    def url(self, name: str | None) -> str:
        self._wait("url")
        return super().url(name)

    def _save(self, name: str, content: File[Any]) -> str:
        self._wait("save")
        return super()._save(name, content)

    def delete(self, name: str) -> None:
        self._wait("delete")
        super().delete(name)
