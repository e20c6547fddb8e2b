"""Storages to be named by their dotted path."""

from __future__ import annotations

import os
import threading
from typing import Any, ClassVar

import django
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage

#: How long a storage under construction waits for a second one to be begun, in seconds.
PATIENCE = 0.3


class SlowStorage(InMemoryStorage):
    """Under construction until a second one is begun, or for a moment if none is."""

    begun: ClassVar[list[SlowStorage]] = []
    second_begun: ClassVar[threading.Event] = threading.Event()

    def __init__(self, **options: Any) -> None:
        self.begun.append(self)
        if len(self.begun) > 1:
            self.second_begun.set()
        self.second_begun.wait(PATIENCE)
        super().__init__(**options)

    @classmethod
    def forget(cls) -> None:
        cls.begun.clear()
        cls.second_begun.clear()


class AccountStorage(InMemoryStorage):
    """Deconstructs as what it was built with, as the storages of cloud providers do."""

    def __init__(self, account: str = "", api_token: str = "", **options: Any) -> None:
        super().__init__()
        self._built_with = {"account": account, "api_token": api_token, **options}

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        given = {option: value for option, value in self._built_with.items() if value}
        return f"{__name__}.AccountStorage", (), given


class OverwritingStorage(FileSystemStorage):
    """A save on a taken name replaces the file, whole."""

    if django.VERSION < (5, 1):  # How it was said then.
        OS_OPEN_FLAGS = os.O_WRONLY | os.O_TRUNC | os.O_CREAT
        allow_overwrite = True

    def __init__(self, location: str | os.PathLike[str]) -> None:
        options: dict[str, Any] = {"allow_overwrite": True} if django.VERSION >= (5, 1) else {}
        super().__init__(location, **options)


class ReadingStorage(FileSystemStorage):
    """Stores what a plain ``read()`` of the content gives, from wherever it stands."""

    def _save(self, name: str, content: Any) -> str:
        return str(super()._save(name, ContentFile(content.read())))  # type: ignore[misc]
