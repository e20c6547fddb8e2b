"""One configured member of a combined storage: how its files are opened and stored."""

from __future__ import annotations

import errno
import inspect
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property, partial
from typing import Any

from django.core.files.base import File

from fallback_storage.backend import disk
from fallback_storage.backend.adapters import overwrites
from fallback_storage.backend.adapters.base import Unless
from fallback_storage.backend.boundary import Boundary
from fallback_storage.backend.files import in_turn, is_made_text, touched
from fallback_storage.errors import NameChangedError


class Backend(Boundary):
    """A storage as a member of a combined storage."""

    @property
    def overwrites(self) -> bool:
        """Whether a save on a taken name replaces the file, by its owner's wish."""
        return overwrites(self.storage)

    @property
    def saves_whole(self) -> bool:
        """Whether a save that fails leaves nothing behind, and an earlier file as it was."""
        return self._adapter.saves_whole

    def url(self, name: str, keywords: Mapping[str, Any]) -> str:
        """Return the storage's URL, made with those of ``keywords`` that its signature has."""
        if keywords and not self._url_takes_any:
            keywords = {k: v for k, v in keywords.items() if k in self._url_parameters}
        url: str = self.call("url", name, **keywords)
        return url

    @cached_property
    def _url_parameters(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self.storage.url).parameters

    @cached_property
    def _url_takes_any(self) -> bool:
        kinds = {parameter.kind for parameter in self._url_parameters.values()}
        return inspect.Parameter.VAR_KEYWORD in kinds

    def open_for_reading(self, name: str, mode: str) -> File[Any]:
        """Open a file that is known to exist: one whose class asks only when read is touched."""
        if self.guard is None:
            return self._open_touched(name, mode)
        if self.guard.bulkhead is None or not self._adapter.downloads_whole:
            return self._in_turn(self._ask(partial(self._open_touched, name, mode)), name)
        file = self._ask(partial(self._open_existing, name, mode))
        if self._adapter.proves_open(file):
            return file
        return self._ask(partial(self._touched, file, name, mode), with_deadline=False)

    def _open_touched(self, name: str, mode: str) -> File[Any]:
        # Most are opened without a second look, as in `call`.
        watched = "open" in self._watched
        open_ = self._method("open", name, (mode,)) if watched else self.storage.open
        file: File[Any] = open_(name, mode)
        return file if self._adapter.proves_open(file) else self._touched(file, name, mode)

    def _touched(self, file: File[Any], name: str, mode: str) -> File[Any]:
        return touched(file, name, mode, partial(self._method("open", name, (mode,)), name))

    def _open_existing(self, name: str, mode: str) -> File[Any]:
        file: File[Any] = self._method("open", name, (mode,))(name, mode)
        if not self._adapter.proves_open(file) and not self._method("exists", name)(name):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return file

    def _in_turn(self, file: File[Any], name: str, *, with_deadline: bool = True) -> File[Any]:
        """Return a file that shares its storage's thread, where there is only one."""
        if self.guard is None or not self.guard.is_serial:
            return file
        if self._adapter.proves_open(file) and not is_made_text(file):
            return file
        run = partial(self.guard.serialize, with_deadline=with_deadline, recovery=self._recovery)
        return in_turn(file, name, run, writable=not with_deadline)

    def open_for_writing(self, name: str, mode: str) -> File[Any]:
        """Open a file for writing; a directory that a local storage lacks is made, as on save."""
        try:
            file: File[Any] = self.call("open", name, mode)
        except FileNotFoundError as error:
            if "r" in mode or not self._make_directory(name, error):
                raise
            file = self.call("open", name, mode)
        return self._in_turn(file, name, with_deadline=False)

    def _make_directory(self, name: str, error: FileNotFoundError) -> bool:
        path = self._local_path(name)
        # Only an error about this very path is one of the disk.
        if path is None or error.filename != path:
            return False
        mode = getattr(self.storage, "directory_permissions_mode", None)
        disk.make_directories(os.path.dirname(path), mode)
        return True

    def _local_path(self, name: str) -> str | None:
        try:
            path: str = self.call("path", name)
        except (NotImplementedError, AttributeError):
            return None
        return path

    def save(self, name: str, content: File[Any]) -> str:
        """Store ``content`` under ``name``, or under the free name that the storage chose.

        A storage may avoid a name that was taken in the meantime, as FileSystemStorage does. One
        that changes a name for another reason has that copy removed: ``NameChangedError``.
        """
        stored = self._store(name, content)
        if stored == name or self._avoided(name):
            return stored
        self.call("delete", stored)
        raise NameChangedError(f"{self.name} stored {name!r} as {stored!r}: its copy was removed.")

    def create(self, name: str, content: File[Any], unless: Unless = None) -> bool:
        """Store ``content`` if its name is free, and not ``unless``; return whether it was.

        No reader sees half of it, and what was saved or deleted in between stays so. Where the
        storage has no way to do that the name is looked at first, which another process can
        overtake.
        """
        self._refuse_if_read_only("create", name)
        created = self._ask(
            partial(self._adapter.create, self.storage, name, content, unless), with_deadline=False
        )
        if created is not None:
            return created
        with self.locked(name):
            if (unless and unless()) or self.call("exists", name):
                return False
            stored = self.save(name, content)
            if stored != name:  # Another process was faster, and the storage avoided its file.
                self.call("delete", stored)
            return stored == name

    def _store(self, name: str, content: File[Any]) -> str:
        return str(self.call("_save", name, content)).replace("\\", "/")

    def refuses_mode(self, mode: str) -> bool:
        """Whether the storage cannot open a file in ``mode`` to change it."""
        return self._adapter.refuses_mode(mode)

    def locked(self, name: str) -> AbstractContextManager[None]:
        """Keep out whoever else changes ``name``; of a local file, other processes as well."""
        return self._adapter.locked(self.storage, name)

    def _avoided(self, name: str) -> bool:
        try:
            return not self.overwrites and bool(self.call("exists", name))
        except Exception:  # Not known, so not excused.
            return False
