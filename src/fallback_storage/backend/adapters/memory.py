"""Django's storage in memory."""

from __future__ import annotations

from fallback_storage.backend.adapters.base import Adapter


class Memory(Adapter):
    """InMemoryStorage."""

    def says_missing(self, error: Exception) -> bool:
        # "a/b" where "a" is a file.
        return isinstance(error, FileExistsError) and isinstance(
            error.__context__, NotADirectoryError
        )
