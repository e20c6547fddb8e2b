"""Combined storages over real ones, and what is put into them and read back."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from django.core.files.base import ContentFile
from django.core.files.storage import Storage

from fallback_storage.storage import FallbackStorage


class Interrupting(io.BytesIO):
    """Content in the middle of which something happens."""

    def __init__(self, content: bytes, interrupt: Callable[[], object]) -> None:
        super().__init__(content)
        self._middle = len(content) // 2
        self._interrupt = interrupt

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > self._middle:
            self._interrupt()
        return super().read(size)


def read(storage: Storage, name: str, mode: str = "rb") -> Any:
    with storage.open(name, mode) as file:
        return file.read()


def put(storage: Storage, name: str, content: bytes = b"content") -> str:
    return storage.save(name, ContentFile(content))


def fallback(
    *,
    read_only: Collection[str] = (),
    denied_is_missing: Collection[str] = (),
    breakers: bool = True,
    options: dict[str, Any] | None = None,
    **storages: Storage,
) -> FallbackStorage:
    """A FallbackStorage over `storages`, in their order and under their names.

    Without `breakers` a server that was away is asked again at once.
    """
    backends = [
        {
            "BACKEND": storage,
            "NAME": name,
            "READ_ONLY": name in read_only,
            "DENIED_IS_MISSING": name in denied_is_missing,
            **({} if breakers else {"BREAKER": False}),
        }
        for name, storage in storages.items()
    ]
    return FallbackStorage(backends=backends, **options or {})


class Pair(NamedTuple):
    """Two storages, and both used as one: as the backends `first` and `second`."""

    first: Storage
    second: Storage

    def combined(self, **options: Any) -> FallbackStorage:
        return fallback(first=self.first, second=self.second, **options)

    def put(self, where: str, name: str, first: bytes = b"1st", second: bytes = b"second") -> None:
        """Put a file into the "first", the "second" or "both"."""
        if where in ("first", "both"):
            put(self.first, name, first)
        if where in ("second", "both"):
            put(self.second, name, second)
