"""SFTP by django-storages."""

from __future__ import annotations

import copy
import errno
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from fallback_storage.backend.adapters.base import Client
from fallback_storage.backend.adapters.one_connection import OneConnection


class SFTP(OneConnection):
    """SFTPStorage."""

    client = Client(
        hangs="for 133 s",
        option="params",
        setting="SFTP_STORAGE_PARAMS",
        keys=("timeout",),  # The two others have defaults.
        advice='"params": {…, "timeout": 2, "banner_timeout": 2, "auth_timeout": 2}, or the'
        " setting SFTP_STORAGE_PARAMS",
    )

    def open(self, name: str, mode: str = "rb") -> Any:
        storage = self.current
        file = storage.open(name, mode)
        if set(mode) <= set("rbt"):
            file.file = remote = storage._read(name)
            # Through a proxy: paramiko's file cannot be collected once it is in a circle.
            own = partial(type(remote)._read, weakref.proxy(remote))
            remote._read = partial(self._read, remote.sftp, own)
            file._is_read = True
        return file

    def _read(self, connection: Any, read: Callable[[int], bytes], size: int) -> bytes:
        # The end of the file and that of the connection are both an EOFError, to paramiko too.
        try:
            return read(size)
        except EOFError as error:
            if _is_lost(connection):
                raise ConnectionResetError(errno.ECONNRESET, "The connection was lost") from error
            raise

    def delete(self, name: str) -> None:
        storage = self.current
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
