"""Files get their names at once, on every file system."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.files import locks
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from fallback_storage.backend import disk
from fallback_storage.resilience.bulkhead import Bulkhead


@pytest.fixture
def storage(tmp_path: Path) -> FileSystemStorage:
    return FileSystemStorage(tmp_path, file_permissions_mode=0o640)


def publish(storage: FileSystemStorage, content: bytes) -> bool:
    with disk.staged(storage, "a.txt", ContentFile(content)) as staged:
        return disk.publish(staged, storage.path("a.txt"))


def no_links(code: int) -> Any:
    def link(source: str, target: str) -> None:
        raise OSError(code, os.strerror(code))

    return link


@pytest.mark.parametrize("code", [None, errno.EPERM, errno.EOPNOTSUPP])
def test_a_free_name_is_given_once(
    storage: FileSystemStorage, code: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if code is not None:
        monkeypatch.setattr(os, "link", no_links(code))
    assert publish(storage, b"first")
    assert not publish(storage, b"second")
    assert Path(storage.path("a.txt")).read_bytes() == b"first"
    assert os.stat(storage.path("a.txt")).st_mode & 0o777 == 0o640
    assert os.listdir(storage.location) == ["a.txt"]


def test_without_links_a_name_is_given_under_the_lock_that_is_held(
    storage: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", no_links(errno.EPERM))
    with disk.locked(os.path.dirname(storage.path("a.txt"))):
        assert publish(storage, b"first")


def test_a_full_disk_is_an_error(
    storage: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", no_links(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        publish(storage, b"first")
    assert os.listdir(storage.location) == []


def test_a_directory_that_cannot_be_opened_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refuse)
    with disk.locked(str(tmp_path)):
        pass


def test_a_file_system_without_locks_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> bool:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr(locks, "lock", refuse)
    with disk.locked(str(tmp_path)):
        pass


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), disk.locked(str(tmp_path / "none")):
        pass


def test_a_call_that_holds_a_directory_may_go_on_in_another_thread(tmp_path: Path) -> None:
    def again() -> str:
        with disk.locked(str(tmp_path)):
            return "written"

    with disk.locked(str(tmp_path)):
        assert Bulkhead("upper", 1).run(again, 60) == "written"
