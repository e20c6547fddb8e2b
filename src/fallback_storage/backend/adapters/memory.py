"""Django's storage in memory."""

from __future__ import annotations

from functools import cached_property

from django.core.files.base import ContentFile, File

from fallback_storage.backend.adapters.base import Adapter, SkipIf


class Memory(Adapter):
    """InMemoryStorage: only this process has it, and it locks a name while it writes it."""

    @cached_property
    def can_create(self) -> bool:
        return self.keeps("_save", "_open", "_resolve", "exists", "delete")

    @property
    def atomic_replace(self) -> bool:
        return self.can_create

    def create(self, name: str, content: File[bytes], skip_if: SkipIf) -> str | None:
        # Read before it is stored: content that breaks off leaves nothing.
        return super().create(name, ContentFile(content.read(), name), skip_if)

    def replace(self, name: str, content: File[bytes]) -> str:
        return super().replace(name, ContentFile(content.read(), name))

    def says_missing(self, error: Exception) -> bool:
        # "a/b" where "a" is a file.
        return isinstance(error, FileExistsError) and isinstance(
            error.__context__, NotADirectoryError
        )
