"""What stands in the place of FileSystemStorage: a combined storage over one."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from django.core.files.storage import FileSystemStorage, Storage

from fallback_storage.storage import FallbackStorage, OverlayStorage

#: By the name in the environment's ``COMBINED``.
CLASSES: dict[str, type[FallbackStorage | OverlayStorage]] = {
    "fallback": FallbackStorage,
    "overlay": OverlayStorage,
}


class Disk(FileSystemStorage):
    """Is a combined storage of what it would be, and an empty disk."""

    def __new__(cls, *args: Any, **keywords: Any) -> Any:
        if cls is Disk:
            storage: Storage = FileSystemStorage(*args, **keywords)
        else:  # A subclass of a test's own.
            storage = object.__new__(cls)
            storage.__init__(*args, **keywords)  # type: ignore[misc]
        base_url = keywords.get("base_url", args[1] if args[1:] else None)
        empty = FileSystemStorage(tempfile.mkdtemp(), base_url)
        combined = CLASSES[os.environ["COMBINED"]]
        return type(combined.__name__, (_Expected, combined), {})([storage, empty])


class _Expected:
    """What the tests ask their storage for, to say what they expect of it: the first disk's."""

    def __getattr__(self, name: str) -> Any:
        if name in {"base_location", "base_url", "location"}:
            return getattr(self.backends[0].storage, name)
        raise AttributeError(name)

    def __call__(self) -> Any:
        return self
