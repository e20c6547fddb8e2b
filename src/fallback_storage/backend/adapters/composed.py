"""Storages that are made of others."""

from __future__ import annotations

from django.core.files.storage import Storage

from fallback_storage.backend.adapters.base import Adapter


class Composed(Adapter):
    """A combined storage, or one with faults: to ask it for a path would be to ask others.

    Those have breakers of their own.
    """

    @property
    def is_remote(self) -> bool:
        return getattr(self.storage.__class__, "path", Storage.path) is Storage.path
