"""This package's storage over a public media URL."""

from __future__ import annotations

from typing import Any

from fallback_storage.backend.adapters.base import Adapter
from fallback_storage.backend.copied import Facts
from fallback_storage.backend.permission import Permission, Writing


class HTTP(Adapter):
    """HTTPStorage."""

    thread_safe = True

    def facts(self, file: Any) -> Facts:
        return Facts(getattr(file, "content_type", None), getattr(file, "modified", None))

    def write_permission(self) -> Permission:
        return Permission(Writing.NOT_SEEN, "its class only reads")
