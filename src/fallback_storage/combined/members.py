"""What a call needs to know of its combined storage: read once, handed down, never changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial

from django.core.files.storage import Storage

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.presence import Presence
from fallback_storage.conf import Promotion
from fallback_storage.locks import KeyedLock
from fallback_storage.negative_cache import NegativeCache

# Of all names in all storages that this process writes.
_names = KeyedLock()
# How long it is believed that no remote backend has a name.
_NOWHERE_SECONDS = 5.0


def _hides_nothing(name: str) -> bool:
    return False


def _needs_none(name: str) -> None:
    """Do nothing: a later backend's file may show."""


@dataclass(frozen=True, slots=True)
class Members:
    """The backends of a combined storage, and how it deals with them.

    ``owner`` stands for the combined storage in signals and messages. ``hides`` tells whether a
    file was deleted though a later backend has it.
    """

    owner: Storage
    backends: tuple[Backend, ...]
    writable: tuple[Backend, ...]
    on_fault: str
    delete: str
    raises_single_error: bool
    #: Whether a listing leaves out a backend that has none.
    skips_unlisted: bool
    presence: Presence | None = None
    promotion: Promotion | None = None
    hides: Callable[[str], bool] = _hides_nothing
    #: What the class of the first writable backend does in a way of its own.
    ways: frozenset[str] = frozenset()
    #: Keeps what later backends hold of a name from showing when the first one's file goes.
    shield: Callable[[str], None] = _needs_none
    #: The names of which it was found a moment ago that no remote backend has them.
    nowhere: NegativeCache = field(
        default_factory=partial(NegativeCache, _NOWHERE_SECONDS, time.monotonic)
    )

    def locked(self, name: str, timeout: float | None = None) -> AbstractContextManager[bool]:
        """Keep out whoever else in this process writes ``name`` to one of the backends.

        Raises ``LockTimeout`` after ``timeout`` seconds.
        """
        keys = [(id(backend.storage), name) for backend in self.writable]
        return _names.held(*keys, timeout=timeout)

    def stored(self, name: str, backend: Backend) -> None:
        """Remember that a file was stored in ``backend``."""
        self.nowhere.discard(name)
        if self.presence is not None:
            self.presence.stored(name, backend.name)

    def changed(self, name: str) -> None:
        """Forget what is remembered of a name: its file may have come or gone."""
        self.nowhere.discard(name)
        if self.presence is not None:
            self.presence.changed(name)

    @property
    def thread_safe(self) -> bool:
        """Whether several threads may ask the backends at once, whatever asks this storage."""
        return all(backend.thread_safe for backend in self.backends)
