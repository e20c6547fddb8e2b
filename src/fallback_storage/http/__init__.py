"""A read-only storage over a public media URL: production's, for development and previews."""

from __future__ import annotations

from fallback_storage.http.responses import UnexpectedAnswer
from fallback_storage.http.storage import HTTPStorage

__all__ = ["HTTPStorage", "UnexpectedAnswer"]
