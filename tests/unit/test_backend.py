"""The boundary around one storage."""

from __future__ import annotations

import io
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage

from fallback_storage.backend.adapters import adapter_for
from fallback_storage.backend.backend import Backend
from fallback_storage.storage import FallbackStorage, OverlayStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage


class ForwardOnly(File):  # type: ignore[type-arg]
    """A file that is asked for when it is first read, and can be read once."""

    def __init__(self) -> None:
        self._inner = io.BytesIO(b"streamed")
        super().__init__(self._inner, "a.txt")

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(size)

    def seekable(self) -> bool:
        return False


class Rewindable(ForwardOnly):
    def seekable(self) -> bool:
        return True


class Streaming(Storage):
    def __init__(self, kind: type[ForwardOnly] = ForwardOnly) -> None:
        self.opened = 0
        self._kind = kind

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        self.opened += 1
        return self._kind()


def test_a_file_that_cannot_be_rewound_is_opened_again() -> None:
    streaming = Streaming()
    with FallbackStorage(backends=[streaming]).open("a.txt") as file:
        assert file.read() == b"streamed"
    assert streaming.opened == 2


def test_text_of_a_storage_that_gives_bytes() -> None:
    streaming = FallbackStorage(backends=[Streaming()])
    with streaming.open("a.txt", "r") as file:
        assert file.read() == "streamed"


def test_text_of_a_storage_that_gives_bytes_can_be_read_again() -> None:
    with FallbackStorage(backends=[Streaming(Rewindable)]).open("a.txt", "r") as file:
        assert file.read(3) == "str"
        assert file.tell() == 3
        file.seek(0)
        assert file.read() == "streamed"
        binary = file.file.buffer  # type: ignore[union-attr]
        binary.close()
        binary.close()  # Once more is no error.


def test_a_remote_backend_has_no_directory_to_make() -> None:
    remote = RemoteFaultyStorage(InMemoryStorage())
    remote.stage("open", error=FileNotFoundError(2, "No such file", "dir/a.txt"))
    second = FaultyStorage(InMemoryStorage())
    with FallbackStorage(backends=[remote, second]).open("dir/a.txt", "wb") as file:
        file.write(b"a")
    assert second.exists("dir/a.txt")


def test_a_directory_is_made_with_the_permissions_of_its_storage(tmp_path: Path) -> None:
    files = FileSystemStorage(location=tmp_path, directory_permissions_mode=0o750)
    with FallbackStorage(backends=[files]).open("one/two/a.txt", "wb") as file:
        file.write(b"a")
    for directory in ("one", "one/two"):
        assert stat.S_IMODE(os.stat(tmp_path / directory).st_mode) == 0o750


def test_the_directory_of_a_whiteout_is_made_with_the_same_permissions(tmp_path: Path) -> None:
    upper = FileSystemStorage(location=tmp_path, directory_permissions_mode=0o750)
    production = InMemoryStorage()
    production.save("one/a.txt", ContentFile(b"a"))
    OverlayStorage(backends=[upper, production]).delete("one/a.txt")
    assert stat.S_IMODE(os.stat(tmp_path / "one").st_mode) == 0o750


def test_a_backend_tells_its_name_and_mode_and_no_more() -> None:
    backend = Backend("production", adapter_for(InMemoryStorage()), read_only=True)
    assert repr(backend) == "<Backend 'production': InMemoryStorage, read-only>"


class SlowlySaving(InMemoryStorage):
    """Stores one file when it is allowed to, and any other at once."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may_end = threading.Event(), threading.Event()

    def _save(self, name: str, content: File[Any]) -> str:
        if name == "slow.txt":
            self.begun.set()
            assert self.may_end.wait(60)
        return str(super()._save(name, content))  # type: ignore[misc]


def test_a_create_blocks_no_delete_in_another_storage_or_of_another_name() -> None:
    production = InMemoryStorage()
    for name in ("slow.txt", "a.txt"):
        production.save(name, ContentFile(b"a"))
    slow = SlowlySaving()
    promoting = OverlayStorage(backends=[slow, production], promote=True)
    other = OverlayStorage(backends=[InMemoryStorage(), production])
    with ThreadPoolExecutor(1) as elsewhere:
        promotion = elsewhere.submit(lambda: promoting.open("slow.txt").close())
        try:
            assert slow.begun.wait(60)
            other.delete("slow.txt")
            promoting.delete("a.txt")
            assert not promotion.done()
        finally:
            slow.may_end.set()
        promotion.result(60)
    assert not other.exists("slow.txt")
    assert not promoting.exists("a.txt")
    assert slow.exists("slow.txt")
