"""The adapters of storages with a single connection, which bears one thread at a time."""

from __future__ import annotations

import copy
import errno
import ftplib
import os
import posixpath
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from fallback_storage.engine.adapter import Adapter


class OneConnection(Adapter):
    """One connection, which its storage opens anew when it has none."""

    is_thread_safe = False
    spare_threads = 7


class SFTP(OneConnection):
    replaces = frozenset({"delete", "open"})

    def open(self, storage: Any, name: str, mode: str = "rb") -> Any:
        file = storage.open(name, mode)
        if set(mode) <= set("rbt"):
            file.file = remote = storage._read(name)
            remote._read = partial(self._read, remote.sftp, remote._read)
            file._is_read = True
        return file

    def _read(self, connection: Any, read: Callable[[int], bytes], size: int) -> bytes:
        # The end of the file and that of the connection are both an EOFError, to paramiko too.
        try:
            return read(size)
        except EOFError as error:
            if self._is_lost(connection):
                raise ConnectionResetError(errno.ECONNRESET, "The connection was lost") from error
            raise

    def delete(self, storage: Any, name: str) -> None:
        storage.delete(name)  # It swallows every OSError.
        if storage.exists(name):
            raise OSError(errno.EIO, "The file was not deleted", name)

    def after_error(self, storage: Any) -> None:
        # A lost connection is never given up otherwise.
        if storage._sftp and self._is_lost(storage._sftp):
            self.give_up(storage)

    def give_up(self, storage: Any) -> None:
        connection, storage._sftp = storage._sftp, None
        if connection:
            connection.get_channel().get_transport().close()  # It wakes whoever waits for it.

    def _is_lost(self, connection: Any) -> bool:
        channel = connection.get_channel()
        return bool(channel.closed or channel.eof_received or channel.eof_sent)


class FTP(OneConnection):
    replaces = frozenset({"delete", "exists", "open", "size"})

    def says_missing(self, error: Exception) -> bool:
        # The same number while connecting: the directory of the whole storage is missing.
        connecting = str(error).startswith("Connection or login error")
        return (_is_550(error) or _is_550(error.__context__)) and not connecting

    def exists(self, storage: Any, name: str) -> bool:
        # Its own is False whatever the server complains of, and always where it may overwrite.
        storage._start_connection()
        directory, base = posixpath.split(name)
        try:
            names = storage._connection.nlst(directory)
        except (ftplib.error_perm, ftplib.error_temp) as error:
            if _is_550(error) or str(error).startswith("450"):  # 450: an empty directory, at some.
                return False
            raise
        return not base or base in map(posixpath.basename, names)

    def size(self, storage: Any, name: str) -> int:
        # Of a name that it does not find, it says 0.
        size: int = storage.size(name)
        if not size and not self.exists(storage, name):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return size

    def delete(self, storage: Any, name: str) -> None:
        if self.exists(storage, name):  # Its own asks itself, as above.
            storage._connection.delete(name)

    def open(self, storage: Any, name: str, mode: str = "rb") -> Any:
        file = storage.open(name, mode)
        if "w" in mode:
            # It is written when it is closed: an error then must not leave the storage's own
            # connection as below.
            file._storage = copy.copy(storage)
            file._storage._connection = None
        return file

    def after_error(self, storage: Any) -> None:
        # A read that failed leaves the connection in the directory of the file, and every later
        # name is taken to be below it.
        connection, storage._connection = storage._connection, None
        if connection is not None:
            connection.close()

    def give_up(self, storage: Any) -> None:
        connection, storage._connection = storage._connection, None
        if connection is not None and connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)  # It wakes whoever waits for it.


def _is_550(error: BaseException | None) -> bool:
    return isinstance(error, ftplib.error_perm) and str(error).startswith("550")
