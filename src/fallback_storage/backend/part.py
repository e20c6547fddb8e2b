"""A file, or a part of it, as its server sends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fallback_storage.backend.copied import Facts


class Content(Protocol):
    """Bytes that are still on their way; ``read`` raises where they end too early."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Part:
    """The bytes of a file from ``start`` on; all of it are ``size``."""

    content: Content
    start: int
    size: int
    facts: Facts
