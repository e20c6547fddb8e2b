"""FTP by django-storages."""

from __future__ import annotations

import copy
import errno
import ftplib
import os
import posixpath
import socket
from typing import Any

from fallback_storage.backend.adapters.base import Client
from fallback_storage.backend.adapters.one_connection import OneConnection


class FTP(OneConnection):
    """FTPStorage."""

    client = Client(hangs="for ever")

    def says_missing(self, error: Exception) -> bool:
        # The same number while connecting: the directory of the whole storage is missing.
        connecting = str(error).startswith("Connection or login error")
        return (_is_550(error) or _is_550(error.__context__)) and not connecting

    def exists(self, name: str) -> bool:
        # Its own is False whatever the server complains of, and always where it may overwrite.
        storage = self.current
        storage._start_connection()
        directory, base = posixpath.split(name)
        try:
            names = storage._connection.nlst(directory)
        except (ftplib.error_perm, ftplib.error_temp) as error:
            if _is_550(error) or str(error).startswith("450"):  # 450: an empty directory, at some.
                return False
            raise
        return not base or base in map(posixpath.basename, names)

    def size(self, name: str) -> int:
        # Of a name that it does not find, it says 0.
        size: int = super().size(name)
        if not size and not self.exists(name):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return size

    def delete(self, name: str) -> None:
        if self.exists(name):  # Its own asks its own exists.
            self.current._connection.delete(name)

    def open(self, name: str, mode: str = "rb") -> Any:
        file = self.current.open(name, mode)
        if "w" in mode:
            # It is written when it is closed: an error then must not leave the storage's own
            # connection as below.
            file._storage = self.unconnected(file._storage)
        return file

    def after_error(self) -> None:
        # A read that failed leaves the connection in the directory of the file, and every later
        # name is taken to be below it.
        storage = self.current
        connection, storage._connection = storage._connection, None
        if connection is not None:
            connection.close()

    def unconnected(self, storage: Any) -> Any:
        unconnected = copy.copy(storage)
        unconnected._connection = None
        return unconnected

    def wake(self, storage: Any) -> None:
        if storage._connection is not None and storage._connection.sock is not None:
            storage._connection.sock.shutdown(socket.SHUT_RDWR)


def _is_550(error: BaseException | None) -> bool:
    return isinstance(error, ftplib.error_perm) and str(error).startswith("550")
