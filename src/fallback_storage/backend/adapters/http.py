"""This package's storage over a public media URL."""

from __future__ import annotations

from fallback_storage.backend.adapters.base import Adapter


class HTTP(Adapter):
    """HTTPStorage."""

    thread_safe = True
