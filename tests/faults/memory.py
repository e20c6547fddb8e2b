"""Backends in memory, every call of which is counted and can be struck."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.files.base import File
from django.core.files.storage import Storage

from .strikes import Process

Files = dict[str, bytes]

#: What a server sends at once.
PACKET = 7


def time_of(content: bytes) -> datetime:
    """Return when a file was last changed: no two versions at the same time."""
    return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=sum(content), days=len(content))


class Place:
    """What one backend holds, whichever process asks for it."""

    def __init__(self) -> None:
        self.files: Files = {}

    def put(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)

    def snapshot(self) -> Files:
        return dict(self.files)


class MemoryStorage(Storage):
    """A remote storage of one process. A subclass says how it writes."""

    #: Whether opening a file that does not exist fails only when it is read.
    is_lazy = False
    #: Whether what breaks off leaves half a file.
    writes_in_place = False

    def __init__(self, place: Place, process: Process, number: int, *, overwrites: bool) -> None:
        self.place = place
        self.process = process
        self.number = number
        self.file_overwrite = overwrites

    @property
    def files(self) -> Files:
        return self.place.files

    def called(self, operation: str, effect: Any, **how: Any) -> Any:
        return self.process.call(self.number, operation, effect, **how)

    def content(self, name: str) -> bytes:
        if name not in self.files:
            raise FileNotFoundError(name)
        return self.files[name]

    def exists(self, name: str) -> bool:
        return bool(self.called("exists", lambda: name in self.files))

    def size(self, name: str) -> int:
        return int(self.called("size", lambda: len(self.content(name))))

    def get_modified_time(self, name: str) -> datetime:
        time: datetime = self.called("get_modified_time", lambda: time_of(self.content(name)))
        return time

    def url(self, name: str | None) -> str:
        return str(self.called("url", lambda: f"https://{self.number}.example/{name}"))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        entries: tuple[list[str], list[str]] = self.called("listdir", lambda: self._list(path))
        return entries

    def _list(self, path: str) -> tuple[list[str], list[str]]:
        prefix = f"{path}/" if path else ""
        below = [n.removeprefix(prefix) for n in sorted(self.files) if n.startswith(prefix)]
        directories = dict.fromkeys(n.partition("/")[0] for n in below if "/" in n)
        return list(directories), [n for n in below if "/" not in n]

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        file: File[Any] = self.called(
            "open", lambda: StoredFile(self, name, mode), mutates=mode not in ("rb", "r")
        )
        return file

    def _save(self, name: str, content: File[Any]) -> str:
        # Read before the call: an error of the content is not one of the backend.
        data = b"".join(content.chunks())
        stored: str = self.called(
            "save",
            lambda: self.store(name, data),
            mutates=True,
            half=lambda: self.store_half(name, data),
        )
        return stored

    def delete(self, name: str) -> None:
        self.called("delete", lambda: self.remove(name), mutates=True)

    def store(self, name: str, data: bytes) -> str:
        raise NotImplementedError

    def store_half(self, name: str, data: bytes) -> None:
        raise NotImplementedError

    def remove(self, name: str) -> None:
        raise NotImplementedError


class StoredFile(File):  # type: ignore[type-arg] # generic in the stubs alone
    """A file of a `MemoryStorage`, that reads and writes in a way of its own."""

    def __init__(self, storage: MemoryStorage, name: str, mode: str) -> None:
        self.storage = storage
        self.name = self._stored_as = name
        self.begin(mode)

    def begin(self, mode: str) -> None:
        self.mode = mode
        self._position = 0
        self._closed = False
        self._written: bytes | None = None
        files = self.storage.files
        if mode == "xb" and self._stored_as in files:
            raise FileExistsError(self._stored_as)
        if mode == "r+b" or (mode == "rb" and not self.storage.is_lazy):
            self.storage.content(self._stored_as)
        if mode == "wb" or (mode in ("ab", "xb") and self._stored_as not in files):
            self._change(b"")
        if mode == "ab":
            self._position = len(self._content)

    @property
    def _content(self) -> bytes:
        return self.storage.content(self._stored_as) if self._written is None else self._written

    def _change(self, content: bytes) -> None:
        if self.storage.writes_in_place:
            self.storage.files[self._stored_as] = content
        else:
            self._written = content

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def size(self) -> int:
        return int(self.storage.called("size", lambda: len(self._content)))

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return self.mode != "rb"

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = len(self._content) + offset if whence == io.SEEK_END else offset
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Return a packet at most, as a socket does, or all that is left."""
        left = slice(self._position, None if size is None or size < 0 else min(size, PACKET))
        if left.stop is not None:
            left = slice(self._position, self._position + left.stop)
        data: bytes = self.storage.called(
            "read", lambda: self._read(left), half=lambda: self._read(left, 2)
        )
        return data

    def _read(self, left: slice, share: int = 1) -> bytes:
        data = self._content[left]
        self._position += len(data) // share
        return data

    def write(self, data: Any) -> int:
        """Write a part; a file that was opened to be read does so as well, as Django's does."""
        if not self.writable() and not self.storage.writes_in_place:
            raise io.UnsupportedOperation("not writable")
        if not self.storage.writes_in_place:
            return self._write(data)  # Nothing is sent before it is closed.
        written: int = self.storage.called(
            "write",
            lambda: self._write(data),
            mutates=True,
            half=lambda: self._write(data[: len(data) // 2]),
        )
        return written

    def _write(self, data: bytes) -> int:
        old, at = self._content, self._position
        self._change(old[:at] + data + old[at + len(data) :])
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._written is not None:
            self.storage.called("upload", self._upload, mutates=True, half=lambda: None)

    def _upload(self) -> None:
        self.storage.files[self._stored_as] = self._written or b""

    def open(self, mode: str | None = None) -> StoredFile:  # type: ignore[override]
        """Open it again by itself, as a file of Django's does."""
        mode = mode or self.mode
        if not self._closed:
            self.seek(0)
        else:
            self.storage.called("open", lambda: self.begin(mode), mutates=mode != "rb")
        return self
