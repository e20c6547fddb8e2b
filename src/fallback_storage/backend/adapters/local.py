"""Files on this machine's disk."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import Any

from django.core.files.base import File

from fallback_storage.backend import disk
from fallback_storage.backend.adapters.base import Adapter, SkipIf
from fallback_storage.backend.copied import Facts
from fallback_storage.backend.permission import Permission, Writing
from fallback_storage.file_locks import directory_locked


class Local(Adapter):
    """FileSystemStorage, and what derives from it.

    A subclass that stores in a way of its own is asked to save itself.
    """

    thread_safe = True

    def __init__(self, storage: Any, base: type | None = None) -> None:
        super().__init__(storage, base)
        self._finds_itself = self.keeps("exists", "path")
        self._measures_itself = self.keeps("size", "path")
        if self.keeps("open", "_open", "path"):
            self.open_to_append = self._open_to_append

    @cached_property
    def can_create(self) -> bool:
        return self.keeps("_save", "_open", "path", "exists", "delete", "OS_OPEN_FLAGS")

    @property
    def atomic_replace(self) -> bool:
        return self.can_create

    def exists(self, name: str) -> bool:
        """Return whether a file has the name; a directory is none."""
        if not self._finds_itself:
            exists: bool = self.storage.exists(name)
            return exists
        try:
            return not stat.S_ISDIR(os.lstat(self.storage.path(name)).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def claims(self, name: str) -> bool:
        """Return whether a file or a directory has the name."""
        if not self._finds_itself:
            exists: bool = self.storage.exists(name)
            return exists
        return disk.lstat(self.storage.path(name)) is not None

    def size(self, name: str) -> int:
        if not self._measures_itself:
            size: int = self.storage.size(name)
            return size
        found = os.stat(self.storage.path(name))
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        return found.st_size

    def get_accessed_time(self, name: str) -> datetime:
        return self._time("get_accessed_time", name)

    def get_created_time(self, name: str) -> datetime:
        return self._time("get_created_time", name)

    def get_modified_time(self, name: str) -> datetime:
        return self._time("get_modified_time", name)

    def _time(self, method: str, name: str) -> datetime:
        get_time = getattr(self.storage, method, None)
        if get_time is None:
            raise NotImplementedError(method)
        time: datetime = get_time(name)
        if self.keeps("path") and os.path.isdir(self.storage.path(name)):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        return time

    def _open_to_append(self, name: str, mode: str) -> File[Any]:
        return File(open(self.storage.path(name), mode, opener=_open_existing))

    def facts(self, file: Any) -> Facts:
        try:
            modified = os.fstat(file.fileno()).st_mtime
        except (AttributeError, OSError):
            return Facts()
        return Facts(modified=datetime.fromtimestamp(modified, UTC))

    def says_missing(self, error: Exception) -> bool:
        # Only a file is asked for.
        return isinstance(error, IsADirectoryError)

    def create(self, name: str, content: File[bytes], skip_if: SkipIf) -> str | None:
        if not self.can_create:
            return super().create(name, content, skip_if)
        path = self.storage.path(name)
        if skip_if is None and (upload := disk.movable(content)) is not None:
            moved = disk.move(self.storage, upload, path)
            if moved is not None:
                return name if moved else None
        try:
            created = self._create(path, content, skip_if, named=False)
        except disk.NoLinks:
            created = self._create(path, content, skip_if, named=True)
        return name if created else None

    def _create(self, path: str, content: File[bytes], skip_if: SkipIf, *, named: bool) -> bool:
        with disk.staged(self.storage, path, content, named=named) as source:
            if skip_if is None:
                return disk.publish(source, path)
            with directory_locked(os.path.dirname(path)):
                return not skip_if() and disk.publish(source, path)

    def replace(self, name: str, content: File[bytes]) -> str:
        if not self.can_create:
            return super().replace(name, content)
        # What a symbolic link leads to is written, as by the storage itself.
        path = os.path.realpath(self.storage.path(name))
        with (
            disk.staged(self.storage, path, content, named=True) as source,
            directory_locked(os.path.dirname(path)),
        ):
            os.replace(source, path)
        return name

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        directory = os.path.dirname(self.storage.path(name))
        disk.make_directories(directory, self.storage.directory_permissions_mode)
        with directory_locked(directory):
            yield

    def write_permission(self) -> Permission:
        """Ask the system for this process's permissions, of the directory and what lies in it."""
        path = self.storage.path("")
        while not os.path.exists(path):
            path = os.path.dirname(path)
        with os.scandir(path) as entries:
            paths = [path, *(entry.path for entry in islice(entries, _LOOKED_AT))]
        if any(os.access(each, os.W_OK) for each in paths):
            return Permission(Writing.CAN, "this process has the permission to write there")
        return Permission(Writing.NOT_SEEN, "this process has no permission to write there")


# How many entries of a directory are looked at.
_LOOKED_AT = 1_000


def _open_existing(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_CREAT)
