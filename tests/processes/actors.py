"""Storages that several processes use, and children that do so until they are killed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage

from fallback_storage.storage import FallbackStorage, OverlayStorage
from fallback_storage.testing import RemoteFaultyStorage

ROOT = Path(__file__).parents[2]


def content_of(name: str, size: int = 300_000) -> bytes:
    """What the production's file of that name holds: no half of it is like another."""
    return hashlib.shake_256(name.encode()).digest(size)


def read(storage: Storage, name: str) -> bytes:
    with storage.open(name) as file:
        content: bytes = file.read()
        return content


class Place:
    """An upper and a lower directory, and combined storages over them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.upper = FileSystemStorage(directory / "upper", base_url="/upper/")
        self.lower = FileSystemStorage(directory / "lower", base_url="/lower/")
        (directory / "lower").mkdir(parents=True, exist_ok=True)

    def elsewhere(self) -> Place:
        """The same directories as another process has them: no lock of this one is shared."""
        return Place(self.directory)

    def fill(self, *names: str) -> None:
        for name in names:
            self.lower.save(name, ContentFile(content_of(name)))

    def overlay(self, lower: Storage | None = None, **options: Any) -> OverlayStorage:
        return OverlayStorage(backends=[self.upper, lower or self.lower], **options)

    def fallback(self, lower: Storage | None = None, **options: Any) -> FallbackStorage:
        return FallbackStorage(backends=[self.upper, lower or self.lower], **options)

    def remote(self) -> RemoteFaultyStorage:
        """The lower one as a server has it: recorded, and without paths."""
        return RemoteFaultyStorage(self.lower)


def start(job: str, directory: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a process of its own that does the job of that name in this module's `JOBS`."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.processes.actors", job, str(directory), *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def _open_cold(place: Place, name: str, threads: str) -> None:
    """Wait for the word, then open the file from that many threads; say what it came to."""
    from concurrent.futures import ThreadPoolExecutor

    lower = place.remote()
    storage = place.overlay(lower, promote=True)
    _say("ready")
    sys.stdin.readline()
    with ThreadPoolExecutor(int(threads)) as pool:
        contents = set(pool.map(lambda _: read(storage, name), range(int(threads))))
    whole = contents == {content_of(name)}
    _say(f"{whole} {len(lower.called('open', name))}")


def _promote(place: Place, start: int) -> None:
    storage = place.overlay(promote=True)
    for name in _names("promoted", start):
        _say(f"promoting {name}")
        assert read(storage, name) == content_of(name)


def _change(place: Place, start: int) -> None:
    storage = place.overlay()
    for name in _names("changed", start):
        _say(f"changing {name}")
        with storage.open(name, "r+b") as file:
            file.write(content_of(name)[:1])  # What it was: only the copy shows.


def _delete(place: Place, start: int) -> None:
    storage = place.overlay()
    for name in _names("deleted", start):
        _say(f"deleting {name}")
        storage.delete(name)
        _say(f"deleted {name}")


def _save(place: Place, start: int) -> None:
    storage = place.overlay()
    for name in _names("saved", start):
        _say(f"saving {name}")
        stored = storage.save(name, ContentFile(content_of(name)))
        _say(f"saved {stored}")


def _names(kind: str, start: int) -> list[str]:
    return [f"{kind}/{number}.bin" for number in range(start, 40)]


WORK: dict[str, Callable[[Place, int], None]] = {
    "promote": _promote,
    "change": _change,
    "delete": _delete,
    "save": _save,
}


def _work(place: Place, job: str, start: str) -> None:
    _say("ready")
    WORK[job](place, int(start))
    _say("done")


def main(job: str, directory: str, *arguments: str) -> None:
    # Less than a test's settings: a child is to start at once.
    settings.configure(USE_TZ=True)
    place = Place(Path(directory))
    if job == "open cold":
        _open_cold(place, *arguments)
    else:
        _work(place, job, *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
