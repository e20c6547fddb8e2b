"""The adapters of storages with a single connection, which bears one thread at a time."""

from __future__ import annotations

import copy
import errno
import ftplib
import os
import posixpath
import socket
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.files.base import File

from fallback_storage.backend.adapters.base import Adapter


class OneConnection(Adapter):
    """One connection, which its storage opens anew when it has none.

    A call that was given up keeps the storage to itself, for it may be about to connect or to go
    on: those after it get a copy.
    """

    replaces = frozenset(
        {"_save", "delete", "exists", "listdir", "open", "size"}
        | {"get_accessed_time", "get_created_time", "get_modified_time"}
    )
    has_one_connection = True
    spare_threads = 7

    def current(self, storage: Any) -> Any:
        """Return what to use in the place of ``storage``."""
        return vars(storage).get(_CURRENT, storage)

    def give_up(self, storage: Any) -> None:
        given_up = self.current(storage)
        vars(storage)[_CURRENT] = self.unconnected(given_up)
        self.wake(given_up)

    def unconnected(self, storage: Any) -> Any:
        """Return a copy that will connect by itself."""
        raise NotImplementedError

    def wake(self, storage: Any) -> None:
        """End the connection under whoever waits for it."""
        raise NotImplementedError

    def _save(self, storage: Any, name: str, content: File[Any]) -> Any:
        return self.current(storage)._save(name, content)

    def exists(self, storage: Any, name: str) -> Any:
        return self.current(storage).exists(name)

    def listdir(self, storage: Any, path: str) -> Any:
        return self.current(storage).listdir(path)

    def size(self, storage: Any, name: str) -> Any:
        return self.current(storage).size(name)

    def get_accessed_time(self, storage: Any, name: str) -> Any:
        return self.current(storage).get_accessed_time(name)

    def get_created_time(self, storage: Any, name: str) -> Any:
        return self.current(storage).get_created_time(name)

    def get_modified_time(self, storage: Any, name: str) -> Any:
        return self.current(storage).get_modified_time(name)


class SFTP(OneConnection):
    def open(self, storage: Any, name: str, mode: str = "rb") -> Any:
        storage = self.current(storage)
        file = storage.open(name, mode)
        if set(mode) <= set("rbt"):
            file.file = remote = storage._read(name)
            # Through a proxy: paramiko's file does not bear to be in a circle.
            own = partial(type(remote)._read, weakref.proxy(remote))
            remote._read = partial(self._read, remote.sftp, own)
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
        storage = self.current(storage)
        storage.delete(name)  # It swallows every OSError.
        if storage.exists(name):
            raise OSError(errno.EIO, "The file was not deleted", name)

    def after_error(self, storage: Any) -> None:
        # A lost connection is never given up otherwise.
        storage = self.current(storage)
        if storage._sftp and self._is_lost(storage._sftp):
            storage._sftp = None
            storage.close()

    def unconnected(self, storage: Any) -> Any:
        unconnected = copy.copy(storage)
        unconnected._sftp = unconnected._ssh = None
        return unconnected

    def wake(self, storage: Any) -> None:
        storage.close()

    def _is_lost(self, connection: Any) -> bool:
        channel = connection.get_channel()
        return bool(channel.closed or channel.eof_received or channel.eof_sent)


class FTP(OneConnection):
    def says_missing(self, error: Exception) -> bool:
        # The same number while connecting: the directory of the whole storage is missing.
        connecting = str(error).startswith("Connection or login error")
        return (_is_550(error) or _is_550(error.__context__)) and not connecting

    def exists(self, storage: Any, name: str) -> bool:
        # Its own is False whatever the server complains of, and always where it may overwrite.
        storage = self.current(storage)
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
        size: int = super().size(storage, name)
        if not size and not self.exists(storage, name):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return size

    def delete(self, storage: Any, name: str) -> None:
        storage = self.current(storage)
        if self.exists(storage, name):  # Its own asks itself, as above.
            storage._connection.delete(name)

    def open(self, storage: Any, name: str, mode: str = "rb") -> Any:
        file = self.current(storage).open(name, mode)
        if "w" in mode:
            # It is written when it is closed: an error then must not leave the storage's own
            # connection as below.
            file._storage = self.unconnected(file._storage)
        return file

    def after_error(self, storage: Any) -> None:
        # A read that failed leaves the connection in the directory of the file, and every later
        # name is taken to be below it.
        storage = self.current(storage)
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


# In the storage itself: it is to live as long.
_CURRENT = "_fallback_storage_current"


def _is_550(error: BaseException | None) -> bool:
    return isinstance(error, ftplib.error_perm) and str(error).startswith("550")
