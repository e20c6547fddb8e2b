"""Files of storages with a deadline or with one thread: how they are opened, read and closed."""

from __future__ import annotations

import contextlib
import gc
import io
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage

from fallback_storage.errors import DeadlineExceeded
from tests.remotes import PATIENCE, Remote, Slow, breaker_of, guard_of, local, open_breaker, pair

ENOUGH = 1.0  # seconds in which the file is opened, and after which its read is given up

# A file that downloads whole


class _Downloading(File):  # type: ignore[type-arg]
    """A file that is downloaded when it is first read, however long that takes."""

    def __init__(self, storage: Downloading, name: str) -> None:
        super().__init__(None, name)
        self._storage = storage
        self._whole: io.BytesIO | None = None

    def read(self, size: int = -1) -> bytes:
        if self._whole is None:
            self._storage.downloaded_by.append(threading.current_thread().name)
            with self._storage.source.open(str(self.name)) as source:
                self._whole = io.BytesIO(source.read())
        return self._whole.read(size)

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        assert self._whole is not None
        return self._whole.seek(offset, whence)

    def close(self) -> None: ...


class Downloading(Storage):
    """Takes itself for one of Google's, to which it is like."""

    def __init__(self) -> None:
        self.source = Remote()
        self.downloaded_by: list[str] = []

    def _open(self, name: str, mode: str = "rb") -> Any:
        return _Downloading(self, name)

    def exists(self, name: str) -> bool:
        return self.source.exists(name)


Downloading.__module__ = "storages.backends.gcloud"
Downloading.__qualname__ = "GoogleCloudStorage"


def test_of_a_file_that_downloads_whole_the_existence_alone_is_bounded() -> None:
    downloading = Downloading()
    storage = pair(downloading, local(), TIMEOUT=PATIENCE)
    with pytest.raises(FileNotFoundError):
        storage.open("a.txt")
    assert downloading.downloaded_by == []
    downloading.source.save("a.txt", ContentFile(b"content"))
    with storage.open("a.txt") as file:
        assert file.read() == b"content"
    assert downloading.downloaded_by == [threading.current_thread().name]


def test_without_a_deadline_it_is_read_at_once() -> None:
    downloading = Downloading()
    downloading.source.save("a.txt", ContentFile(b"content"))
    with pair(downloading, local()).open("a.txt") as file:
        assert file.read() == b"content"


# A file that shares its storage's thread


class Serial(Slow):
    """A storage whose files ask it when they are used."""

    def __init__(self, slow: str = "nothing") -> None:
        super().__init__(slow)
        self.fails_to_close = False

    def _open(self, name: str, mode: str = "rb") -> Any:
        return _Shared(self, name, super()._open(name, mode))


class _Shared(File):  # type: ignore[type-arg]
    def __init__(self, storage: Serial, name: str, inner: Any) -> None:
        super().__init__(None, name)
        self._storage = storage
        self._inner: Any = inner.file if isinstance(inner, File) else inner

    def read(self, size: int = -1) -> Any:
        self._storage._wait("read")
        return self._inner.read(size)

    def write(self, data: Any) -> int:
        self._storage._wait("write")
        self._inner.write(data)
        return len(data)

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._storage._wait("seek")
        return int(self._inner.seek(offset, whence))

    def tell(self) -> int:
        self._storage._wait("tell")
        return int(self._inner.tell())

    def close(self) -> None:
        self._storage._wait("close")
        self._inner.close()
        if self._storage.fails_to_close:
            raise ConnectionResetError


def test_an_opened_file_shares_the_one_thread_of_its_storage() -> None:
    serial = Serial()
    storage = pair(serial, local(), THREADS=1)
    with storage.open("a.txt", "wb") as file:
        assert file.writable()
        assert file.write(b"one\ntwo\n") == 8
    with storage.open("a.txt") as file:
        assert not file.writable()
        assert file.readable()
        assert file.seekable()
        assert (file.read(3), file.tell(), file.seek(0)) == (b"one", 3, 0)
        assert list(file) == [b"one\n", b"two\n"]
        assert file.size == 8
        assert file.read(None) == b""
    with storage.open("a.txt", "r") as file:
        assert file.read() == "one\ntwo\n"
    assert set(serial.threads) == {"fallback_storage first"}


def test_what_is_read_of_an_opened_file_is_bounded() -> None:
    serial = Serial()
    storage = pair(serial, local(), THREADS=1, TIMEOUT=ENOUGH)
    with contextlib.ExitStack() as after:
        serial.save("a.txt", ContentFile(b"a"))
        file = storage.open("a.txt")
        after.callback(serial.may_answer.set)
        serial.slow = "read"
        with pytest.raises(DeadlineExceeded):
            file.read()


def test_a_file_can_be_saved_to_the_storage_that_it_is_read_from() -> None:
    serial = Serial()
    storage = pair(serial, local(), THREADS=1)
    storage.save("a.txt", ContentFile(b"content"))
    with storage.open("a.txt") as file:
        storage.save("b.txt", file)
    with storage.open("b.txt") as file:
        assert file.read() == b"content"


def test_a_file_that_fails_to_close_is_closed_and_not_tried_again() -> None:
    serial = Serial()
    storage = pair(serial, local(), THREADS=1)
    file = storage.open("a.txt", "wb")
    serial.fails_to_close = True
    serial.threads.clear()
    with pytest.raises(ConnectionResetError):
        file.close()
    assert file.closed
    file.close()
    del file
    gc.collect()
    assert len(serial.threads) == 1


def test_a_file_that_nobody_closed_does_not_wait_for_the_thread_that_collects_it() -> None:
    serial = Serial()
    storage = pair(serial, local(), THREADS=1)
    storage.save("a.txt", ContentFile(b"a"))
    bulkhead = guard_of(storage).bulkhead
    assert bulkhead is not None
    gc.disable()
    try:
        cycle: list[Any] = [storage.open("a.txt")]
        cycle.append(cycle)
        del cycle
        bulkhead.run(gc.collect, PATIENCE)
    finally:
        gc.enable()
    assert bulkhead.stuck == 0


def test_a_file_on_this_disk_needs_no_thread_once_it_is_open(tmp_path: Path) -> None:
    storage = pair(FileSystemStorage(tmp_path), local(), THREADS=1)
    with storage.open("a.txt", "wb") as file:
        assert isinstance(file.file, io.BufferedWriter)
        file.write(b"content")
    with storage.open("a.txt", "r") as file:
        assert isinstance(file.file, io.TextIOWrapper)
        assert file.read() == "content"


def test_a_storage_that_gives_a_plain_io_object_may_have_one_thread() -> None:
    storage = pair(Slow("nothing"), local(), THREADS=1)
    with storage.open("a.txt", "wb") as file:
        file.write(b"content")
    assert storage.size("a.txt") == 7


def test_using_an_opened_file_tells_a_breaker_nothing() -> None:
    """What has been read already answers `tell` while the server is down."""
    serial = Serial()
    serial.save("a.txt", ContentFile(b"content"))
    storage = pair(serial, local(), THREADS=1)
    with storage.open("a.txt") as file:
        open_breaker(storage)
        calls = guard_of(storage).calls
        assert file.tell() == 0
        assert file.read() == b"content"
    assert breaker_of(storage).state == "open"
    assert guard_of(storage).calls == calls


def test_what_another_storage_of_one_thread_holds_is_read_before_it_is_stored() -> None:
    """Copying to one another, each thread would wait for the other's."""
    source, untouched = Serial(), []
    source.save("a.txt", ContentFile(b"content"))

    class Storing(Serial):
        def _save(self, name: str, content: File[Any]) -> str:
            before = len(source.threads)
            stored = super()._save(name, content)
            untouched.append(len(source.threads) == before)
            return stored

    target = Storing()
    with pair(source, local(), THREADS=1).open("a.txt") as file:
        pair(target, local(), THREADS=1).save("copy.txt", file)
    assert target.files == {"copy.txt": b"content"}
    assert untouched == [True]


def test_a_file_that_is_used_in_a_call_of_its_storage_does_not_wait_for_itself() -> None:
    serial = Serial()
    serial.save("a.txt", ContentFile(b"content"))
    storage = pair(serial, local(), THREADS=1)
    with storage.open("a.txt") as file:
        answer = guard_of(storage).call(file.read, storage.backends[0].outcome_of)
    assert answer == b"content"
