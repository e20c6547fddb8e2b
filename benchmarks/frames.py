"""How many Python functions each operation calls, and how deep: `python -m benchmarks.frames`.

Counted, not timed, so that a busy machine changes nothing.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import django
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage

NAME = "photos/a.txt"


class Frames:
    """The Python functions called, all of them and this package's, and the deepest nesting."""

    def __init__(self) -> None:
        self.all = self.own = self.deepest = self._depth = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        self._depth = 0
        sys.setprofile(self._event)
        try:
            yield
        finally:
            sys.setprofile(None)
            self.all -= 1  # The end of this block.

    def _event(self, frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            self._depth += 1
            self.all += 1
            self.own += "/fallback_storage/" in frame.f_code.co_filename
            self.deepest = max(self.deepest, self._depth)
        elif event == "return":
            self._depth -= 1


def worlds(root: Path) -> Iterator[tuple[str, Storage]]:
    """Yield combined storages, the file in the first or in the second backend."""
    from fallback_storage.storage import FallbackStorage, OverlayStorage

    empty, full = root / "empty", root / "full"
    FileSystemStorage(full).save(NAME, ContentFile(b"content"))

    def disk(location: Path) -> FileSystemStorage:
        return FileSystemStorage(location, base_url="/media/")

    def bounded(location: Path) -> dict[str, Any]:
        return {"BACKEND": disk(location), "TIMEOUT": 30, "BREAKER": True}

    yield "first backend", FallbackStorage([disk(full), disk(empty)])
    yield "second backend", FallbackStorage([disk(empty), disk(full)])
    yield "nowhere", FallbackStorage([disk(empty), disk(empty)])
    yield "first, TIMEOUT", FallbackStorage([bounded(full), bounded(empty)])
    yield "overlay, first", OverlayStorage([disk(full), disk(empty)])
    yield "overlay, second", OverlayStorage([disk(empty), disk(full)])


def operations(storage: Storage) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield each operation, those that change something last."""
    yield "exists", lambda: storage.exists(NAME)
    yield "size", lambda: storage.size(NAME)
    yield "url", lambda: storage.url(NAME)
    yield "open", lambda: storage.open(NAME).close()
    yield "listdir", lambda: storage.listdir("photos")
    yield "save", lambda: storage.save("photos/new.txt", ContentFile(b"content"))
    yield "delete", lambda: storage.delete("photos/new.txt")


def count(call: Callable[[], object]) -> Frames:
    """Return the frames of one call; whatever it raises is part of it."""
    frames = Frames()
    with frames.counted():
        try:
            call()
        except FileNotFoundError:
            pass
    return frames


def main() -> None:
    settings.configure(STORAGES={}, USE_TZ=True)
    django.setup()
    print("| | operation | functions called | this package's | deepest |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as root:
        for world, storage in worlds(Path(root)):
            for operation, call in operations(storage):
                if operation != "save":
                    count(call)  # Built, its threads started.
                else:
                    storage.save("photos/old.txt", ContentFile(b"content"))
                frames = count(call)
                print(
                    f"| {world} | {operation} | {frames.all} | {frames.own} | {frames.deepest} |"
                )


if __name__ == "__main__":
    main()
