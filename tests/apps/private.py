"""Where private files lie: the alias of ``STORAGES`` that is kept for them."""

from __future__ import annotations

from django.core.files.storage import storages
from django.utils.functional import LazyObject


class PrivateStorage(LazyObject):  # type: ignore[type-arg]
    """private-storage builds its class without arguments; this one stands for an alias."""

    def _setup(self) -> None:
        self._wrapped = storages["private"]
