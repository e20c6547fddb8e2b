"""A store of objects in memory: each request is one step, and an object is there whole or not."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage

from .actors import actor
from .steps import Step

T = TypeVar("T")

Bucket = dict[str, bytes]


class ObjectStore(Storage):
    """A storage over a bucket that other instances use as well; it puts unconditionally."""

    def __init__(self, bucket: Bucket, label: str, *, file_overwrite: bool = False) -> None:
        self.bucket = bucket
        self.label = label
        self.file_overwrite = file_overwrite

    def _ask(self, what: str, name: str, do: Callable[[], T], *, changes: bool = False) -> T:
        me = actor()
        if me is None:
            return do()
        step = Step(what, f"{self.label}/{name}", changes=changes, takes_room=what == "put")
        return me.step(step, do)

    def exists(self, name: str) -> bool:
        return self._ask("head", name, lambda: name in self.bucket)

    def _get(self, name: str) -> bytes:
        if name not in self.bucket:
            raise FileNotFoundError(2, "No such object", name)
        return self.bucket[name]

    def _put(self, name: str, data: bytes) -> None:
        self.bucket[name] = data

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        if "w" in mode:
            return _Upload(self, name)
        data = self._ask("get", name, lambda: self._get(name))
        return ContentFile(data, name)

    def _save(self, name: str, content: File[Any]) -> str:
        data = b"".join(content.chunks())
        self._ask("put", name, lambda: self._put(name, data), changes=True)
        return name

    def delete(self, name: str) -> None:
        self._ask("delete", name, lambda: self.bucket.pop(name, None), changes=True)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        return [], self._ask("list", path, lambda: sorted(self.bucket))

    def size(self, name: str) -> int:
        return len(self._ask("head", name, lambda: self._get(name)))

    def get_modified_time(self, name: str) -> datetime:
        self._ask("head", name, lambda: self._get(name))
        return datetime(2000, 1, 1, tzinfo=UTC)

    def url(self, name: str | None) -> str:
        return f"https://{self.label}.example/{name}"


class _Upload(File):  # type: ignore[type-arg]
    """A file that is uploaded when it is closed."""

    def __init__(self, store: ObjectStore, name: str) -> None:
        self._data = io.BytesIO()
        super().__init__(self._data, name)
        self._store = store

    def close(self) -> None:
        if not self._data.closed:
            self._store._save(str(self.name), ContentFile(self._data.getvalue()))
        super().close()
