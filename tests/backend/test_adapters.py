"""What a backend is known to do by its class, and what a subclass may do otherwise."""

from __future__ import annotations

import copy
import errno
import io
import os
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage

from fallback_storage.backend import disk
from fallback_storage.backend.adapters import adapter_for
from fallback_storage.backend.adapters.one_connection import OneConnection
from fallback_storage.backend.files import Opened, ensure_exists
from fallback_storage.errors import DeadlineExceeded, UnsupportedOperation
from fallback_storage.locks import LockTimeout
from fallback_storage.names import alternative_name, url_name
from fallback_storage.resilience.bulkhead import Bulkhead
from fallback_storage.resilience.call import Recovery
from fallback_storage.storage import FallbackStorage, OverlayStorage
from tests.remotes import PATIENCE


class Upper(FileSystemStorage):
    """Finds, measures and stores files in ways of its own."""

    def exists(self, name: str) -> bool:
        return super().exists(name.upper())

    def size(self, name: str) -> int:
        return super().size(name.upper())

    def _save(self, name: str, content: File[Any]) -> str:
        super()._save(name.upper(), content)  # type: ignore[misc]
        return name


def read(storage: Storage, name: str) -> bytes:
    with storage.open(name) as file:
        content: bytes = file.read()
    return content


def test_a_subclass_of_a_local_storage_is_asked_itself(tmp_path: Path) -> None:
    adapter = adapter_for(Upper(tmp_path))
    assert adapter.create("a.txt", ContentFile(b"abc"), None) == "a.txt"
    assert adapter.create("a.txt", ContentFile(b"second"), None) is None
    assert adapter.replace("b.txt", ContentFile(b"b")) == "b.txt"
    assert not adapter.atomic_replace
    assert sorted(os.listdir(tmp_path)) == ["A.TXT", "B.TXT"]
    assert FallbackStorage([Upper(tmp_path)]).size("a.txt") == 3


def test_a_storage_without_a_save_cannot_be_saved_to() -> None:
    class Bare:
        exists = InMemoryStorage().exists

    with pytest.raises(UnsupportedOperation):
        adapter_for(Bare()).create("a.txt", ContentFile(b""), None)


def test_what_is_stored_in_memory_is_replaced_whole() -> None:
    storage = InMemoryStorage()
    assert adapter_for(storage).atomic_replace
    storage.file_overwrite = True  # type: ignore[attr-defined]
    combined = FallbackStorage([storage])
    for content in (b"first, and longer", b"second"):
        assert combined.save("a.txt", ContentFile(content)) == "a.txt"
    assert read(combined, "a.txt").startswith(b"second")


def test_a_disk_without_files_without_names_stages_a_hidden_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if disk._NAMELESS and flags & disk._NAMELESS == disk._NAMELESS:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return open_(path, flags, *args, **kwargs)

    open_ = os.open
    monkeypatch.setattr(os, "open", refuse)
    adapter = adapter_for(FileSystemStorage(tmp_path))
    assert adapter.create("d/a.txt", ContentFile(b"a"), None) == "d/a.txt"
    assert adapter.create("d/a.txt", ContentFile(b"b"), None) is None
    assert os.listdir(tmp_path / "d") == ["a.txt"]


def test_what_else_the_disk_says_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OSError, match="Read-only file system"):
        adapter_for(FileSystemStorage(tmp_path)).create("a.txt", ContentFile(b"a"), None)


def test_a_file_has_the_group_of_the_place_of_the_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed: list[tuple[int, int]] = []

    def refuse(path: str, user: int, group: int) -> None:
        changed.append((user, group))
        raise PermissionError

    stat = os.stat

    def other_group(path: Any, **options: Any) -> Any:
        found = stat(path, **options)
        return found if str(path) == str(tmp_path) else Group(found, found.st_gid + 1)

    monkeypatch.setattr(os, "stat", other_group)
    monkeypatch.setattr(os, "chown", refuse)
    (tmp_path / "a.txt").write_bytes(b"")
    disk.finish(FileSystemStorage(tmp_path), str(tmp_path / "a.txt"))
    assert changed == [(-1, stat(tmp_path).st_gid)]


class Group:
    """The status of a file that belongs to another group."""

    def __init__(self, status: os.stat_result, st_gid: int) -> None:
        self._status = status
        self.st_gid = st_gid

    def __getattr__(self, name: str) -> Any:
        return getattr(self._status, name)


def test_windows_has_no_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise AttributeError("chown")

    monkeypatch.setattr(disk, "_NAMES_GROUPS", False)
    monkeypatch.setattr(os, "chown", refuse)
    (tmp_path / "a.txt").write_bytes(b"")
    disk.finish(FileSystemStorage(tmp_path / "elsewhere"), str(tmp_path / "a.txt"))


def test_there_is_no_room_for_another_name() -> None:
    with pytest.raises(Exception, match="no room for another name"):
        alternative_name("a.txt", max_length=8)
    assert len(alternative_name("abcd.txt", max_length=14)) <= 14


@pytest.mark.parametrize("name", ["d/.wh..wh.new-1", "/.wh..wh.x"])
def test_no_url_leads_to_a_temporary_file(name: str) -> None:
    with pytest.raises(Exception, match="kept for temporary files"):
        url_name(name)


def test_a_name_that_has_the_word_inside_is_a_name() -> None:
    assert url_name("a.wh..wh.b") == "a.wh..wh.b"


class Lines:
    """Has neither lines nor a position to go to, as a stream of an archive."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(size)

    def close(self) -> None:
        self._inner.close()


def test_a_stream_without_lines_is_read_by_lines_all_the_same() -> None:
    opened = Opened(Lines(b"one\ntwo\n"))
    assert opened.readline() == b"one\n"
    assert not opened.seekable()
    with pytest.raises(io.UnsupportedOperation):
        opened.truncate()
    assert opened.readlines() == [b"two\n"]


def test_a_written_file_can_be_cut() -> None:
    inner = io.BytesIO(b"abc")
    opened = Opened(inner, writable=True)
    opened.flush()
    assert opened.truncate(1) == 1
    assert inner.getvalue() == b"a"


def test_a_storage_that_cannot_open_is_unsupported() -> None:
    class Bare:
        """Saves only."""

    with pytest.raises(UnsupportedOperation):
        ensure_exists(adapter_for(Bare()), NotSeekable(), "a.txt", "rb")


class NotSeekable(File):  # type: ignore[type-arg]
    def __init__(self) -> None:
        super().__init__(io.BytesIO(b"a"), "a.txt")

    def seekable(self) -> bool:
        return False


def test_who_gets_no_turn_in_time_reads_the_file_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fallback_storage.combined.members import Members

    lower = FileSystemStorage(tmp_path / "lower")
    lower.save("a.txt", ContentFile(b"a"))
    upper = FileSystemStorage(tmp_path / "upper")
    overlay = OverlayStorage([upper, lower], promote=True)
    assert overlay.backends

    def busy(members: Members, name: str, timeout: float | None = None) -> Any:
        assert timeout == 10
        raise LockTimeout

    monkeypatch.setattr(Members, "locked", busy)
    assert read(overlay, "a.txt") == b"a"
    assert not upper.exists("a.txt")


def test_an_unsupported_operation_of_the_holder_is_told_apart_from_a_fault() -> None:
    """The backend without the method is asked whether it has the file, and cannot say."""

    class Undated(InMemoryStorage):
        def get_modified_time(self, name: str) -> Any:
            raise NotImplementedError

        def exists(self, name: str) -> bool:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        FallbackStorage([Undated(), InMemoryStorage()]).get_modified_time("a.txt")


# One connection.


class Connected(OneConnection):
    """Says which storage it uses, and copies it."""

    def unconnected(self, storage: Any) -> Any:
        return copy.copy(storage)

    def wake(self, storage: Any) -> None:
        """Nobody waits for it."""


def test_a_call_keeps_the_storage_that_it_began_with() -> None:
    """Two calls on one connection would get each other's answers."""
    adapter, bulkhead = Connected(Storage()), Bulkhead("remote", 1, spare=1)
    seen: list[Any] = []

    def call() -> None:
        seen.append(adapter.current)
        adapter.give_up()
        seen.append(adapter.current)

    bulkhead.run(call)
    assert seen[0] is seen[1] is adapter.storage
    assert bulkhead.run(lambda: adapter.current) is adapter.current is not adapter.storage


def test_a_call_that_was_given_up_before_it_came_so_far_has_a_storage_of_its_own() -> None:
    adapter, bulkhead = Connected(Storage()), Bulkhead("remote", 1, spare=1)
    begun, goes_on, seen = threading.Event(), threading.Event(), SimpleQueue[Any]()

    def call() -> None:
        begun.set()
        goes_on.wait(PATIENCE)
        seen.put(adapter.current)
        seen.put(adapter.current)

    while not begun.is_set():  # On a busy machine it may not have begun by then.
        with pytest.raises(DeadlineExceeded):
            bulkhead.run(call, 0.05, Recovery(give_up=adapter.give_up))
    goes_on.set()
    first, second = seen.get(timeout=PATIENCE), seen.get(timeout=PATIENCE)
    assert first is second
    assert first is not adapter.current
    assert first is not adapter.storage
