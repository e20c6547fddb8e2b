"""How to deal with a storage that keeps Django's contract; what each adapter changes."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from django.core.files.base import File
from django.core.files.utils import FileProxyMixin

from fallback_storage.locks import KeyedLock

# The usual ones first: asking io.IOBase, an abstract class, takes ten times as long.
_IO = (io.BufferedReader, io.TextIOWrapper, io.BytesIO, io.IOBase)


#: Asked at the last moment: whether a file is not to be created after all.
Unless = Callable[[], bool] | None

_names = KeyedLock()


class Adapter:
    """How to deal with a storage that keeps Django's contract."""

    #: The methods of the storage in whose place the adapter's own are called.
    replaces: frozenset[str] = frozenset()
    #: Whether a save that fails leaves nothing behind, and an earlier file as it was.
    saves_whole = False
    #: Whether all that a storage does goes over one connection, which bears one thread at a time.
    has_one_connection = False
    #: How many threads may take the place of stuck ones, a stuck call sharing nothing with them.
    spare_threads = 0
    #: Whether a file comes whole when first read, with the client's own timeout between its bytes.
    downloads_whole = False
    #: Whether it has ``replace``, which puts a file in the place of another at once.
    stages = False

    def says_missing(self, error: Exception) -> bool:
        """Whether ``error`` is this class's own way to say *missing*."""
        return False

    def proves_open(self, file: Any) -> bool:
        """Whether a file just opened for reading is known to exist.

        A file around an io object is; one that reads in a way of its own may ask its server only
        when it is first read.
        """
        if type(file) is File:
            return isinstance(file.file, _IO)
        if getattr(type(file), "read", None) is FileProxyMixin.read:
            return isinstance(vars(file).get("file"), _IO)
        return isinstance(file, _IO)

    def after_error(self, storage: Any) -> None:
        """Make ``storage`` usable again after it raised."""

    def give_up(self, storage: Any) -> None:
        """Let go of what a stuck call of another thread holds, so that the next one can do."""

    def refuses_mode(self, mode: str) -> bool:
        """Whether this class cannot open a file in ``mode`` to change it."""
        return False

    def create(self, storage: Any, name: str, content: File[bytes], unless: Unless) -> bool | None:
        """Store a file at once, if its name is free and not ``unless``; whether it was.

        ``None`` where this class has no way to do that.
        """
        return None

    def replace(self, storage: Any, name: str, content: File[bytes]) -> None:
        """Put a file in the place of another at once."""
        raise NotImplementedError

    def locked(self, storage: Any, name: str) -> AbstractContextManager[object]:
        """Keep whoever else changes ``name`` out, as far as this class can."""
        return _names.held((id(storage), name))
