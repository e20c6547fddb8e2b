"""Storages whose server can be told to store a file only if its name is free."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import ClassVar

from django.core.files.base import File

from fallback_storage.backend.adapters.base import Adapter, SkipIf


class Conditional(Adapter):
    """A storage that creates in one request, as long as its class does what it is known to do."""

    #: What the storage must have of its known class for that.
    create_needs: ClassVar[tuple[str, ...]] = ("_save", "_open", "delete")

    @cached_property
    def can_create(self) -> bool:
        return self.keeps(*self.create_needs)

    def create(self, name: str, content: File[bytes], skip_if: SkipIf) -> str | None:
        if not self.can_create:
            return super().create(name, content, skip_if)
        if skip_if and skip_if():
            return None
        try:
            return str(self._create(name, content))
        except Exception as error:
            if self._says_taken(error):
                return None
            raise

    @abstractmethod
    def _create(self, name: str, content: File[bytes]) -> str:
        """Store a file on the condition that there is none; return the name it has."""

    @abstractmethod
    def _says_taken(self, error: Exception) -> bool:
        """Return whether the server found a file of the name."""
