"""Files on this machine's disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.files.base import File

from fallback_storage.backend import disk
from fallback_storage.backend.adapters.base import Adapter, SkipIf


class Local(Adapter):
    """FileSystemStorage, and what derives from it."""

    thread_safe = True

    @property
    def can_create(self) -> bool:
        return True

    @property
    def can_replace(self) -> bool:
        return True

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        directories, files = self.storage.listdir(path)
        return directories, [name for name in files if not name.startswith(disk.TEMPORARY)]

    def create(self, name: str, content: File[bytes], skip_if: SkipIf) -> bool:
        path = self.storage.path(name)
        with disk.staged(self.storage, name, content) as staged:
            if skip_if is None:
                return disk.publish(staged, path)
            with disk.locked(os.path.dirname(path)):
                return not skip_if() and disk.publish(staged, path)

    def replace(self, name: str, content: File[bytes]) -> None:
        with disk.staged(self.storage, name, content) as staged:
            os.replace(staged, self.storage.path(name))

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        directory = os.path.dirname(self.storage.path(name))
        disk.make_directories(directory, self.storage.directory_permissions_mode)
        with disk.locked(directory):
            yield
