"""SFTP by django-storages."""

from __future__ import annotations

import copy
import errno
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from typing import Any, ClassVar

from django.core.files.base import File

from fallback_storage.backend.adapters.base import SkipIf
from fallback_storage.backend.adapters.client import Client
from fallback_storage.backend.adapters.one_connection import OneConnection


class SFTP(OneConnection):
    """SFTPStorage."""

    client: ClassVar[Client | None] = Client(
        hangs="for 133 s",
        option="params",
        setting="SFTP_STORAGE_PARAMS",
        keys=("timeout",),  # The two others have defaults.
        advice='"params": {…, "timeout": 2, "banner_timeout": 2, "auth_timeout": 2}, or the'
        " setting SFTP_STORAGE_PARAMS",
    )

    def open(self, name: str, mode: str = "rb") -> Any:
        storage = self.connected
        file = storage.open(name, mode)
        if set(mode) <= set("rbt"):
            file.file = remote = storage._read(name)
            # Through a proxy: paramiko's file cannot be collected once it is in a circle.
            own = partial(type(remote)._read, weakref.proxy(remote))
            remote._read = partial(self._read, remote.sftp, own)
            file._is_read = True
        return file

    def _read(self, connection: Any, read: Callable[[int], bytes], size: int) -> bytes:
        # The end of the file and that of the connection are both an EOFError, to paramiko too; and
        # of a socket that is closed by then it says no more than that.
        try:
            return read(size)
        except (EOFError, OSError) as error:
            if _is_lost(connection):
                raise ConnectionResetError(errno.ECONNRESET, "The connection was lost") from error
            raise

    @property
    def connected(self) -> Any:
        storage = self.current
        try:
            storage.sftp  # noqa: B018 - connected now, so that what is missing is not the file.
        except (FileNotFoundError, NotADirectoryError) as error:
            raise OSError(
                errno.EIO, "Cannot connect: a file of its settings is missing"
            ) from error
        return storage

    @cached_property
    def can_create(self) -> bool:
        return self.keeps("_save", "_open", "_remote_path", "sftp", "delete")

    @property
    def atomic_replace(self) -> bool:
        return self.can_create

    def create(self, name: str, content: File[bytes], skip_if: SkipIf) -> str | None:
        if not self.can_create:
            return super().create(name, content, skip_if)
        storage = self.connected
        with self._staged(storage, name, content) as temporary:
            if skip_if and skip_if():
                return None
            try:
                # By the protocol this fails where the new name is taken.
                storage.sftp.rename(temporary, storage._remote_path(name))
            except OSError:
                if storage.exists(name):
                    return None
                raise
        return name

    def replace(self, name: str, content: File[bytes]) -> str:
        if not self.can_create:
            return super().replace(name, content)
        storage = self.connected
        with self._staged(storage, name, content) as temporary:
            storage.sftp.posix_rename(temporary, storage._remote_path(name))
        return name

    @contextmanager
    def _staged(self, storage: Any, name: str, content: File[bytes]) -> Iterator[str]:
        """Write a file under a name of its own; yield its path on the server."""
        temporary = self.temporary(name)
        path: str = storage._remote_path(temporary)
        try:
            storage._save(temporary, content)
            yield path
        finally:
            with suppress(Exception):  # It has its final name, or the connection is lost.
                storage.sftp.remove(path)

    def delete(self, name: str) -> None:
        storage = self.connected
        storage.delete(name)  # It swallows every OSError.
        if storage.exists(name):
            raise OSError(errno.EIO, "The file was not deleted", name)

    def after_error(self) -> None:
        # A lost connection is never given up otherwise.
        storage = self.current
        if storage._sftp and _is_lost(storage._sftp):
            storage._sftp = None
            storage.close()

    def unconnected(self, storage: Any) -> Any:
        unconnected = copy.copy(storage)
        unconnected._sftp = unconnected._ssh = None
        return unconnected

    def wake(self, storage: Any) -> None:
        storage.close()


def _is_lost(connection: Any) -> bool:
    channel = connection.get_channel()
    return bool(channel.closed or channel.eof_received or channel.eof_sent)
