"""Storages that hand out a copy of the whole file, and connect when they are built."""

from __future__ import annotations

from typing import Any

from fallback_storage.backend.adapters.base import Adapter
from fallback_storage.backend.adapters.late import LateStorage
from fallback_storage.errors import UnsupportedOperation


class Downloaded(Adapter):
    """A storage whose opened files are copies: what is written to one is stored nowhere."""

    downloads_whole = True
    connects_when_built = True

    @property
    def built(self) -> Any:
        """The storage; ``StorageUnavailable`` where it cannot be built now."""
        return self.storage.built() if type(self.storage) is LateStorage else self.storage

    def refuses_mode(self, mode: str) -> bool:
        return True

    def open(self, name: str, mode: str = "rb") -> Any:
        if not set(mode).isdisjoint("wax+"):
            raise UnsupportedOperation(
                f"open({name!r}, {mode!r}): {self.storage.__class__.__qualname__} stores nothing"
                " that is written to an opened file. Save the content instead."
            )
        return self.built.open(name, mode)
