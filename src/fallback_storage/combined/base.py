"""Several storages used as one: what all the classes of this package share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django.core.files.base import File
from django.core.files.storage import Storage

from fallback_storage import conf, names
from fallback_storage.backend.backend import Backend
from fallback_storage.backend.boundary import writes as is_writing
from fallback_storage.backend.factory import build_backend, building
from fallback_storage.combined import listing, reads, urls, writes
from fallback_storage.combined import locate as locating
from fallback_storage.combined.explain import Explanation, explain
from fallback_storage.combined.legacy import NaiveTimes
from fallback_storage.combined.presence import Presence
from fallback_storage.conf import Generation
from fallback_storage.deconstruction import JSONDeconstructible


class CombinedStorage(JSONDeconstructible, NaiveTimes, Storage):
    """Several storages used as one, by the policies that each class names.

    Every method validates the name before a backend sees it: ``SuspiciousFileOperation``.
    """

    #: The options that a class takes, with the values of each, the default first.
    policies: ClassVar[Mapping[str, Sequence[str]]]
    #: Whether the error of a single backend is raised as it is, not as ``StorageUnavailable``.
    raises_single_error: ClassVar[bool] = False
    #: Whether all backends but the first are read-only, whatever their settings say.
    writes_only_first: ClassVar[bool] = False

    first_argument = "backends"

    _file_name = staticmethod(names.file_name)
    _path_name = staticmethod(names.path_name)
    _url_name = staticmethod(names.url_name)

    def __init__(self, backends: Sequence[conf.Entry] | None = None, **options: Any) -> None:
        self.options = conf.storage_options(type(self), self.policies, backends, options)
        self.on_fault = self.options.on_fault
        self._built: tuple[int, tuple[Backend, ...]] = (-1, ())
        #: What is remembered of which backend holds a name; known once the backends are built.
        self.presence: Presence | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(o.name for o in self.options.backends())}>"

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_built": (-1, ()), "presence": None}

    @property
    def backends(self) -> tuple[Backend, ...]:
        """The backends in the order declared; built on first use, and again as settings change."""
        generation, backends = self._built
        return backends if generation == Generation.number else self._build()

    @property
    def writable_backends(self) -> tuple[Backend, ...]:
        """The backends that may be written, in the order declared."""
        return tuple(backend for backend in self.backends if not backend.read_only)

    @property
    def bears_threads(self) -> bool:
        """Whether several threads may ask the backends at once, whatever asks this storage."""
        return all(backend.bears_threads for backend in self.backends)

    def _build(self) -> tuple[Backend, ...]:
        with building(self):
            if self._built[0] != Generation.number:
                self._built = Generation.number, self._build_each()
            return self._built[1]

    def _build_each(self) -> tuple[Backend, ...]:
        options = self.options.backends()
        backends = self._arrange(options)
        if self.options.presence is not None:
            self.presence = Presence(self.options.presence, type(self), options)
        for backend in backends:
            backend.peers = backends
            if isinstance(backend.storage, CombinedStorage):
                backend.storage.backends  # noqa: B018 - a circle shows now, not as a recursion.
        return backends

    def _arrange(self, options: Sequence[conf.BackendOptions]) -> tuple[Backend, ...]:
        build = partial(build_backend, owner=type(self), alone=len(options) == 1)
        return tuple(build(each, Backend) for each in options)

    @property
    def file_overwrite(self) -> bool:
        """Whether a save on a taken name replaces the file: as the first backend has it."""
        first = self.backends[0]
        return first.overwrites and not first.read_only

    @contextmanager
    def _changing(self, name: str) -> Iterator[None]:
        """What is remembered of ``name`` does not outlast a change, not even a failed one."""
        try:
            yield
        finally:
            if self.presence is not None:
                self.presence.changed(name)

    def explain(self, name: str) -> Explanation:
        """Ask every backend for a name: outcome, time taken, size, and which serves it and why."""
        return explain(self, self._path_name(name))

    def locate(self, name: str) -> str | None:
        """Return the name of the backend that has a file, ``None`` if none has it.

        Raises as ``exists`` does where that is not known.
        """
        return locating.locate(self, self._path_name(name))

    def locate_many(self, names: Iterable[str]) -> dict[str, str | None]:
        """Return what ``locate`` does of each of ``names``: a page's worth at once.

        Remote backends are asked for several names at a time, if they bear threads.
        """
        by_name = {name: self._path_name(name) for name in names}
        holders = locating.locate_many(self, list(by_name.values()))
        return {name: holders[checked] for name, checked in by_name.items()}

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        name = self._file_name(name)
        if is_writing(mode):
            with self._changing(name):
                return self._open_for_writing(name, mode)
        return self._open_for_reading(name, mode)

    def _open_for_reading(self, name: str, mode: str) -> File[Any]:
        raise NotImplementedError

    def _open_for_writing(self, name: str, mode: str) -> File[Any]:
        return writes.open_file(self, name, mode)

    def _save(self, name: str, content: File[Any]) -> str:
        return writes.save(self, self._file_name(name), content)

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        """Store a file whole under a name that is free in every backend; return that name."""
        name = self._file_name(content.name if name is None else name)
        if not hasattr(content, "chunks"):
            content = File(content, name)
        name = self._file_name(self.get_available_name(name, max_length=max_length))
        return self._file_name(self._save(name, content))

    def delete(self, name: str) -> None:
        """Delete a file, from the backends that the ``delete`` policy names."""
        if not name:
            raise ValueError("The name must be given to delete().")
        name = self._file_name(name)
        with self._changing(name):
            _DELETE[self.options.delete](self, name)

    def exists(self, name: str) -> bool:
        """Return whether any backend has a name; ``False`` only if none can have it."""
        return reads.holder(self, "exists", self._path_name(name), may_skip=True) is not None

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the directories and the files in all backends, each once."""
        return listing.listdir(self, self._path_name(path))

    def size(self, name: str) -> int:
        """Return the size in bytes."""
        size: int = reads.first_answer(self, "size", self._file_name(name))
        return size

    def url(self, name: str | None, **keywords: Any) -> str:
        """Return the URL from the first backend that has the file, from the last if none has.

        The keywords that its ``url`` takes go to the backend that answers.
        """
        return urls.url(self, self._url_name(name), keywords)

    def path(self, name: str) -> str:
        """Return the local path in the backend that has a name.

        Of a name nobody has it is the first writable backend's. ``NotImplementedError`` where
        that backend has no paths.
        """
        return reads.path(self, self._path_name(name))

    def get_valid_name(self, name: str) -> str:
        """Return the file name as the first backend cleans it."""
        valid: str = reads.first_answer(self, "get_valid_name", name)
        return valid

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return a name that is free in all backends.

        Where the first backend overwrites and has the name itself, it is kept. Where a backend
        cannot answer, it gets a random suffix. Raises ``StorageUnavailable`` where a backend
        claims every name.
        """
        return reads.available_name(self, self._file_name(name), max_length)

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
        time: datetime = reads.first_answer(self, operation, self._file_name(name))
        return time


_DELETE = {"first": writes.delete_from_first, "all": writes.delete_from_all}
