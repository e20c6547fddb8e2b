"""Several storages used as one: what all the classes of this package share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django.core.files.base import File

from fallback_storage import names
from fallback_storage.backend.files import is_writing
from fallback_storage.backend.stored_file import hand_out
from fallback_storage.combined import (
    deletes,
    listing,
    locate,
    naming,
    opening,
    paths,
    promotion,
    reads,
    saving,
    urls,
    writes,
)
from fallback_storage.combined.composition import Composition
from fallback_storage.combined.explain import Explanation, explain
from fallback_storage.combined.legacy import NaiveTimes
from fallback_storage.combined.members import Members


class CombinedStorage(Composition, NaiveTimes):
    """Several storages used as one, by the policies that each class names.

    Every method validates the name before a backend sees it: ``SuspiciousFileOperation``.
    """

    #: How a file is deleted, by the name of the policy.
    delete_policies: ClassVar[Mapping[str, deletes.Delete]] = {
        "first": deletes.from_first,
        "all": deletes.from_all,
    }

    _file_name = staticmethod(names.file_name)
    _path_name = staticmethod(names.path_name)
    _url_name = staticmethod(names.url_name)

    @property
    def file_overwrite(self) -> bool:
        """Whether a save on a taken name replaces the file: as the first backend has it."""
        return naming.overwrites(self.members)

    @contextmanager
    def _changing(self, name: str) -> Iterator[Members]:
        """Keep out whoever else writes ``name``.

        What is remembered of it does not outlast a change, not even a failed one.
        """
        members = self.members
        try:
            with members.locked(name):
                yield members
        finally:
            members.changed(name)

    def explain(self, name: str) -> Explanation:
        """Ask every backend for a name: outcome, time taken, size, and which serves it and why."""
        return explain(self.members, self._path_name(name))

    def locate(self, name: str) -> str | None:
        """Return the name of the backend that has a file, ``None`` if none has it.

        Raises as ``exists`` does where that is not known.
        """
        return locate.locate(self.members, self._path_name(name))

    def locate_many(self, names: Iterable[str]) -> dict[str, str | None]:
        """Return what ``locate`` does of each of ``names``: a page's worth at once.

        Remote backends are asked for several names at a time, if they bear threads.
        """
        by_name = {name: self._path_name(name) for name in names}
        holders = locate.locate_many(self.members, list(by_name.values()))
        return {name: holders[checked] for name, checked in by_name.items()}

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        name = self._file_name(name)
        if is_writing(mode):
            with self._changing(name) as members:
                file = self._open_for_writing(members, name, mode)
            return hand_out(self, name, mode, file, partial(self._changing, name))
        file = promotion.open_for_reading(self.members, name, mode)
        return hand_out(self, name, mode, file)

    def _open_for_writing(self, members: Members, name: str, mode: str) -> File[Any]:
        return opening.open_for_writing(members, name, mode)

    def _save(self, name: str, content: File[Any]) -> str:
        current = saving.saving_of(self)
        if current is not None and name in (current.name, current.chosen):
            return writes.save(self.members, name, content)
        name, members = self._file_name(name), self.members
        with members.locked(name):
            return writes.save(members, name, content)

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        """Store a file whole under a name that is free in every backend; return that name."""
        name = self._file_name(content.name if name is None else name)
        if not hasattr(content, "chunks"):
            content = File(content, name)
        current = saving.Saving(self, name, max_length)
        try:
            try:
                current.begin()
                stored = self._save_available(current, content)
                return name if stored == name else self._file_name(stored)
            finally:
                current.end()
        finally:
            current.end()  # Again: an interrupt may have come just before the first.

    def _save_available(self, current: saving.Saving, content: Any) -> str:
        if "get_available_name" in self.members.ways:
            with saving.present(content, current.name) as present:
                return self._save_found(current, present)
        return self._save_found(current, content)

    def _save_found(self, current: saving.Saving, content: Any) -> str:
        name = current.name
        # Whoever saves the same name waits: what was free when it was looked at still is.
        with self.members.locked(name):
            available = self.get_available_name(name, max_length=current.max_length)
            if available in (name, current.chosen):
                chosen = name if available == name else self._file_name(available)
                return self._save(chosen, content)
        # Random: that it is free is for the backend to see to.
        return self._save(self._file_name(available), content)

    def delete(self, name: str) -> None:
        """Delete a file, from the backends that the ``delete`` policy names."""
        if not name:
            raise ValueError("The name must be given to delete().")
        name = self._file_name(name)
        with self._changing(name) as members:
            self.delete_policies[members.delete](members, name)

    def exists(self, name: str) -> bool:
        """Return whether any backend has a file; ``False`` only if none can have it.

        A directory of a local backend is no file: ask for it with a slash at the end.
        """
        ask = "claims" if str(name)[-1:] in {"", "/", "\\"} else "exists"
        name = self._path_name(name)
        return reads.holder(self.members, "exists", name, may_skip=True, ask=ask) is not None

    def claims(self, name: str) -> bool:
        """Return whether any backend has a file or a directory of a name."""
        name = self._path_name(name)
        return reads.holder(self.members, "exists", name, may_skip=True, ask="claims") is not None

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the directories and the files in all backends, each once."""
        return listing.listdir(self.members, self._path_name(path))

    def size(self, name: str) -> int:
        """Return the size in bytes."""
        size: int = reads.first_answer(self.members, "size", self._file_name(name))
        return size

    def url(self, name: str | None, *args: Any, **keywords: Any) -> str:
        """Return the URL from the first backend that has the file, from the last if none has.

        The arguments that its ``url`` takes go to the backend that answers.
        """
        return urls.url(self.members, self._url_name(name), (args, keywords))

    def path(self, name: str) -> str:
        """Return the local path in the backend that has a name.

        Of a name nobody has it is the first writable backend's. ``NotImplementedError`` where
        that backend has no paths. With ``promote`` a file is copied up for it.
        """
        return paths.path(self.members, self._path_name(name))

    def get_valid_name(self, name: str) -> str:
        """Return the file name as the first backend that is written cleans it."""
        return naming.valid_name(self.members, name)

    def generate_filename(self, filename: str | os.PathLike[str]) -> str:
        """Return the name to save a file under, as the first backend that is written makes it."""
        usual = super().generate_filename
        return naming.named_by_writer(self.members, "generate_filename", usual, filename)

    def get_alternative_name(self, file_root: str, file_ext: str) -> str:
        """Return another name for a file, as the first backend that is written makes it."""
        usual = super().get_alternative_name
        name = file_root, file_ext
        return naming.named_by_writer(self.members, "get_alternative_name", usual, *name)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return a name that is free in all backends.

        Where the first backend overwrites and has the name itself, it is kept. Where a backend
        cannot answer, it gets a random suffix. Raises ``StorageUnavailable`` where a backend
        claims every name.
        """
        return naming.available_name(self.members, self._file_name(name), max_length)

    def get_accessed_time(self, name: str) -> datetime:
        """Return when the file was last read; aware if ``USE_TZ``."""
        return self._time("get_accessed_time", name)

    def get_created_time(self, name: str) -> datetime:
        """Return when the file was created; aware if ``USE_TZ``."""
        return self._time("get_created_time", name)

    def get_modified_time(self, name: str) -> datetime:
        """Return when the file was last changed; aware if ``USE_TZ``."""
        return self._time("get_modified_time", name)

    def _time(self, operation: str, name: str) -> datetime:
        time: datetime = reads.first_answer(self.members, operation, self._file_name(name))
        return time
