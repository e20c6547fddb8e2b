"""How to deal with a storage that keeps Django's contract; what each adapter changes."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from django.core.files.base import File
from django.core.files.storage import Storage
from django.core.files.utils import FileProxyMixin

from fallback_storage.backend.adapters.client import Client
from fallback_storage.backend.adapters.late import LateStorage
from fallback_storage.backend.copied import Facts
from fallback_storage.backend.permission import Permission, Writing
from fallback_storage.errors import UnsupportedOperation
from fallback_storage.statuses import time_of_answer

#: Asked at the last moment: whether a file is not to be created after all.
SkipIf = Callable[[], bool] | None

#: A name that no file has: any answer to it will do.
PROBE = "fallback_storage_probe"
# The usual ones first: asking io.IOBase, an abstract class, takes ten times as long.
_IO = (io.BufferedReader, io.TextIOWrapper, io.BytesIO, io.IOBase)


class Adapter:
    """One storage, and what is known of it by its class.

    A method with the name of one of the storage's is called in its place.
    """

    #: Whether a save that fails leaves nothing behind, and an earlier file as it was.
    atomic_save: ClassVar[bool] = False
    #: Whether several threads may call a storage of exactly this class at once.
    thread_safe: ClassVar[bool] = False
    #: Whether all that a storage does goes over one connection, for one thread at a time.
    one_connection: ClassVar[bool] = False
    #: How many threads may take the place of stuck ones, a stuck call sharing nothing with them.
    spare_threads: ClassVar[int] = 0
    #: Whether a file comes whole when first read, with the client's own timeout between its bytes.
    downloads_whole: ClassVar[bool] = False
    #: Whether its constructor may ask its server, so that it is built when it is first asked.
    connects_when_built: ClassVar[bool] = False
    #: What the storage's client does while its server does not answer; for the checks.
    client: ClassVar[Client | None] = None

    def __init__(self, storage: Any, base: type | None = None) -> None:
        self.storage = storage
        #: The class that the adapter is for; the storage's own may derive from it.
        self.base = base
        #: Whether the server honours conditions, if its owner said so: ``CONDITIONAL_WRITES``.
        self.conditional_writes: bool | None = None

    @cached_property
    def exact(self) -> bool:
        """Whether the storage's class is the very one that the adapter is for."""
        return bool(self.storage.__class__ is self.base)

    def keeps(self, *attributes: str) -> bool:
        """Return whether the storage has these of its known class, and none of its own."""
        cls, own = self.storage.__class__, vars(self.storage)
        return all(
            name not in own and getattr(cls, name, None) is getattr(self.base, name, None)
            for name in attributes
        )

    def own(self, method: str) -> Callable[..., Any] | None:
        """Return a method that the storage has in the place of Django's or its known class's."""
        cls, storage = self.storage.__class__, self.storage
        usual = (getattr(Storage, method), getattr(self.base, method, None))
        is_own = method in vars(storage) or getattr(cls, method, usual[0]) not in usual
        return getattr(storage, method) if is_own else None

    def method(self, operation: str) -> Callable[..., Any] | None:
        """Return what answers ``operation``: the adapter's own method, else the storage's."""
        own: Callable[..., Any] | None = getattr(self, operation, None)
        if type(self.storage) is LateStorage and not self.storage.has_method(operation):
            return own
        return getattr(self.storage, operation, None) if own is None else own

    @property
    def is_remote(self) -> bool:
        """Whether the storage has no local paths; one that is not built yet counts as remote."""
        if type(self.storage) is LateStorage and not self.storage.is_built:
            return True
        return self._has_no_paths

    @cached_property
    def _has_no_paths(self) -> bool:
        """Whether it has no method for a path, or one that only raises or returns the name."""
        if getattr(self.storage.__class__, "path", Storage.path) is Storage.path:
            return True
        try:
            return not os.path.isabs(self.storage.path(PROBE))
        except Exception:
            return True

    @property
    def overwrites(self) -> bool:
        """Whether the storage's owner wants a save on a taken name to replace the file."""
        for flag in _OVERWRITE_FLAGS:  # noqa: SIM110 - each save asks, and a generator is slow
            if getattr(self.storage, flag, False) is True:
                return True
        return False

    @cached_property
    def can_create(self) -> bool:
        """Whether ``create`` asks by itself whether the name is free, at once or nearly so."""
        return False

    @property
    def atomic_replace(self) -> bool:
        """Whether ``replace`` leaves the older file as it was where it fails."""
        return self.atomic_save

    def create(self, name: str, content: File[bytes], skip_if: SkipIf) -> str | None:
        """Store a file if its name is free and not ``skip_if``; return the name it has.

        ``None`` if it was not stored. Here the name is looked at first, which another process can
        overtake; the adapters of some classes do it at once.
        """
        exists = self.method("exists")
        if (skip_if and skip_if()) or (exists is not None and exists(name)):
            return None
        return self._store(name, content, is_new=exists is not None)

    def replace(self, name: str, content: File[bytes]) -> str:
        """Store a file in the place of an older one, if there is one; return the name it has."""
        exists = None if self.atomic_save else self.method("exists")
        return self._store(name, content, is_new=exists is not None and not exists(name))

    def _store(self, name: str, content: File[bytes], *, is_new: bool) -> str:
        save = self.method("_save")
        if save is None:
            raise UnsupportedOperation(f"The storage has no _save({name!r}).")
        upload = getattr(content, "upload", None)
        # A class that nothing is known of is given text where it would be given that without us.
        text = upload.as_text(name) if upload is not None and self.base is None else None
        try:
            return str(save(name, content if text is None else text)).replace("\\", "/")
        except Exception:
            if is_new and not self.atomic_save:
                with suppress(Exception):
                    self._take_back(name, content)
            raise

    def _take_back(self, name: str, content: File[bytes]) -> None:
        """Delete what a save left that broke off: the beginning of its content, and no more.

        Anything else, an empty file included, may be what another process has just begun.
        """
        content.seek(0)
        with self.storage.open(name) as stored:
            length = 0
            for chunk in stored.chunks():
                if content.read(len(chunk)) != chunk:
                    return
                length += len(chunk)
        if length and content.read(1):
            self.storage.delete(name)

    #: Opens a file that exists to append to it, and makes no new one.
    open_to_append: Callable[[str, str], File[Any]] | None = None

    def says_missing(self, error: Exception) -> bool:
        """Return whether ``error`` is this class's own way to say *missing*."""
        return False

    def open_checks_existence(self, file: Any) -> bool:
        """Return whether a file just opened for reading is known to exist.

        A file around an io object is; one that reads in a way of its own may ask its server only
        when it is first read.
        """
        if type(file) is File:
            return isinstance(file.file, _IO)
        if getattr(type(file), "read", None) is FileProxyMixin.read:
            return isinstance(vars(file).get("file"), _IO)
        return isinstance(file, _IO)

    def facts(self, file: Any) -> Facts:
        """Return what a file just opened for reading tells of itself, without a request."""
        return Facts()

    def refuses_mode(self, mode: str) -> bool:
        """Return whether this class cannot open a file in ``mode`` to change it."""
        return False

    def prepare(self) -> bool:
        """Build what this thread needs to ask its server; return whether it had to.

        A deadline is for the server: this is not counted.
        """
        return False

    def after_error(self) -> None:
        """Make the storage usable again after it raised."""

    def give_up(self) -> None:
        """Let go of what a stuck call of another thread holds, so that the next one can do."""

    def locked(self, name: str) -> AbstractContextManager[None]:
        """Keep out other processes that change ``name``, as far as this class can."""
        return nullcontext()

    def write_permission(self) -> Permission:
        """Return whether the storage could be written without this package; change nothing."""
        return Permission(Writing.UNKNOWN, "this kind of storage does not tell")

    def server_time(self) -> datetime | None:
        """Return what time its server has, which comes with the error for a missing file."""
        return time_of_answer(lambda: self.storage.size(PROBE))

    @classmethod
    def transfers_in_threads(cls, option: Callable[[str, str], Any]) -> bool:
        """Return whether its client transfers files in threads of its own.

        ``option(name, setting)`` is what the storage would have for an option.
        """
        return False

    @classmethod
    def has_timeouts(cls, option: Callable[[str, str], Any]) -> bool:
        """Return whether its client is given every timeout that bounds a call."""
        client = cls.client
        if client is None or not client.keys:
            return False
        if client.overridden_by and option(*client.overridden_by) is not None:
            return False
        given = option(client.option, client.setting)
        # A botocore Config has a value for everything; this is what it was given.
        given = getattr(given, "_user_provided_options", given)
        return isinstance(given, Mapping) and all(
            given.get(key) is not None for key in client.keys
        )


# How storages say that a save on a taken name replaces the file.
_OVERWRITE_FLAGS = ("file_overwrite", "overwrite_files", "allow_overwrite", "_allow_overwrite")
