"""FTP by django-storages."""

from __future__ import annotations

import copy
import ftplib
import posixpath
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, ClassVar

from django.core.files.base import File

from fallback_storage.backend.adapters.base import SkipIf
from fallback_storage.backend.adapters.client import Client
from fallback_storage.backend.adapters.one_connection import OneConnection


class FTP(OneConnection):
    """FTPStorage."""

    client: ClassVar[Client | None] = Client(hangs="for ever")

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

    @cached_property
    def can_create(self) -> bool:
        return self.keeps("_save", "_open", "_put_file", "delete")

    @property
    def atomic_replace(self) -> bool:
        return self.can_create

    def create(self, name: str, content: File[bytes], skip_if: SkipIf) -> str | None:
        if not self.can_create:
            return super().create(name, content, skip_if)
        if self.exists(name):
            return None
        with self._staged(name, content) as temporary:
            # Servers replace a file that is renamed to: the name is looked at just before, which
            # another process can still overtake.
            if (skip_if and skip_if()) or self.exists(name):
                self.current._connection.delete(temporary)
                return None
            self.current._connection.rename(temporary, name)
        return name

    def replace(self, name: str, content: File[bytes]) -> str:
        if not self.can_create:
            return super().replace(name, content)
        with self._staged(name, content) as temporary:
            self.current._connection.rename(temporary, name)
        return name

    @contextmanager
    def _staged(self, name: str, content: File[bytes]) -> Iterator[str]:
        """Upload under a hidden name; yield it. It is deleted where that or the rest fails."""
        temporary = self.temporary(name)
        try:
            self.current._save(temporary, content)
            yield temporary
        except BaseException:
            with suppress(Exception):  # It was not even created, or the server is gone.
                self.after_error()  # In the midst of a transfer a connection does nothing else.
                self.current._start_connection()
                self.current._connection.delete(temporary)
            raise

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
