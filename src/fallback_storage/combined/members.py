"""What a call needs to know of its combined storage: read once, handed down, never changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.core.files.storage import Storage

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.presence import Presence
from fallback_storage.conf import Promotion


def _hides_nothing(name: str) -> bool:
    return False


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
    presence: Presence | None = None
    promotion: Promotion | None = None
    hides: Callable[[str], bool] = _hides_nothing

    @property
    def thread_safe(self) -> bool:
        """Whether several threads may ask the backends at once, whatever asks this storage."""
        return all(backend.thread_safe for backend in self.backends)
