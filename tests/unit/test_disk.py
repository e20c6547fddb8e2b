"""Files get their names at once, on every file system."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from fallback_storage.backend import disk
from fallback_storage.backend.adapters import adapter_for
from fallback_storage.file_locks import directory_locked


@pytest.fixture
def storage(tmp_path: Path) -> FileSystemStorage:
    return FileSystemStorage(tmp_path, file_permissions_mode=0o640)


def publish(storage: FileSystemStorage, content: bytes) -> bool:
    return adapter_for(storage).create("a.txt", ContentFile(content), None) is not None


def no_links(code: int) -> Any:
    def link(source: str, target: str, **how: object) -> None:
        raise OSError(code, os.strerror(code))

    return link


@pytest.mark.parametrize(
    "code", [None, errno.EPERM, errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOSYS]
)
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
    with directory_locked(os.path.dirname(storage.path("a.txt"))):
        assert publish(storage, b"first")


def test_without_links_a_file_that_the_disk_cannot_tell_of_is_not_replaced(
    storage: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = storage.path("a.txt")
    Path(path).write_bytes(b"first")
    real = os.lstat

    def lstat(asked: str, **how: Any) -> os.stat_result:
        if asked == path:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(asked, **how)

    with monkeypatch.context() as broken:
        broken.setattr(os, "link", no_links(errno.EPERM))
        broken.setattr(os, "lstat", lstat)
        with pytest.raises(OSError, match="Input/output"):
            publish(storage, b"second")
    assert Path(path).read_bytes() == b"first"
    assert os.listdir(storage.location) == ["a.txt"]


@pytest.mark.parametrize("error", [OSError(errno.EIO, "lost"), KeyboardInterrupt()])
def test_a_temporary_is_deleted_though_its_creation_failed_afterwards(
    storage: FileSystemStorage, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_NAMELESS", 0)
    real = os.open

    def open_and_fail(path: str, *arguments: Any) -> int:
        os.close(real(path, *arguments))
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(os, "open", open_and_fail)
        with pytest.raises(type(error)):
            publish(storage, b"first")
    assert os.listdir(storage.location) == []


def test_a_temporary_that_another_made_is_left_alone(
    storage: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_NAMELESS", 0)
    monkeypatch.setattr("secrets.token_hex", lambda size: "0")
    others = Path(storage.path(".wh..wh.new-0"))
    others.write_bytes(b"another's")
    with pytest.raises(FileExistsError):
        publish(storage, b"first")
    assert others.read_bytes() == b"another's"


def test_a_full_disk_is_an_error(
    storage: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", no_links(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        publish(storage, b"first")
    assert os.listdir(storage.location) == []
