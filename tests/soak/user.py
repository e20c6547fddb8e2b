"""One of several threads that use the storages, and know what every answer may be."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core.files.base import ContentFile

from fallback_storage.storage import FallbackStorage, OverlayStorage

MOST_FILES = 40
# Seconds between two acts: two processors have a server to run as well.
THINKING = 0.02


@dataclass
class Tally:
    """What one user saw."""

    answered: int = 0
    unavailable: int = 0
    wrong: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")


class User:
    """Stores files under names of its own, and asks for them again.

    An answer must be right; an outage may be raised, and is never a ``FileNotFoundError``.
    """

    def __init__(
        self,
        number: int,
        media: FallbackStorage,
        overlay: OverlayStorage,
        production: Sequence[tuple[str, bytes]],
    ) -> None:
        self.tally = Tally()
        self._number = number
        self._random = random.Random(number)
        self._media = media
        self._overlay = overlay
        self._production = production
        self._files: dict[str, bytes] = {}
        self._count = 0
        self._pause = threading.Event()

    def run(self, go_on: Callable[[], bool]) -> None:
        acts = (self._save, self._read, self._read, self._ask, self._ask_overlay, self._delete)
        while go_on():
            self._random.choice(acts)()
            self._pause.wait(self._random.uniform(0, THINKING))

    def _save(self) -> None:
        if len(self._files) >= MOST_FILES:
            return
        self._count += 1
        content = self._random.randbytes(self._random.choice((10, 4096, 100_000)))
        with self._allowing_outage("save", bounded=False):
            name = self._media.save(f"user{self._number}/{self._count}.bin", ContentFile(content))
            self._files[name] = content

    def _delete(self) -> None:
        if self._files:
            name = self._random.choice(list(self._files))
            del self._files[name]  # If it fails, what became of it is not known.
            with self._allowing_outage("delete", bounded=False):
                self._media.delete(name)
                self._expect("exists after delete", self._media.exists(name), False)

    def _read(self) -> None:
        if not self._files:
            return
        name, content = self._random.choice(list(self._files.items()))
        with self._allowing_outage("open"):
            file = self._media.open(name)
        with self._allowing_outage("read", bounded=False), file:
            self._expect("content", file.read(), content)

    def _ask(self) -> None:
        name = self._random.choice([*self._files, f"user{self._number}/nowhere.bin"])
        content = self._files.get(name)
        with self._allowing_outage("exists"):
            self._expect("exists", self._media.exists(name), content is not None)
        if content is not None:
            with self._allowing_outage("size"):
                self._expect("size", self._media.size(name), len(content))
            with self._allowing_outage("listdir"):
                _, files = self._media.listdir(f"user{self._number}")
                self._expect("listdir", name.rpartition("/")[2] in files, True)

    def _ask_overlay(self) -> None:
        name, content = self._random.choice(self._production)
        with self._allowing_outage("overlay size"):
            self._expect("overlay size", self._overlay.size(name), len(content))
        with self._allowing_outage("overlay open"):
            file = self._overlay.open(name)
        with self._allowing_outage("overlay read", bounded=False), file:
            self._expect("overlay content", file.read(), content)

    def _expect(self, what: str, came: Any, expected: Any) -> None:
        if came != expected:
            self.tally.wrong.append(f"{what}: {came!r:.80} instead of {expected!r:.80}")

    @contextmanager
    def _allowing_outage(self, operation: str, *, bounded: bool = True) -> Iterator[None]:
        start, came = time.monotonic(), "answered"
        try:
            yield
            self.tally.answered += 1
        except FileNotFoundError as error:
            self.tally.wrong.append(f"{operation}: {error!r}")
        except Exception as error:
            self.tally.unavailable += 1
            came = type(error).__name__
        if bounded:
            took = time.monotonic() - start, f"{operation}: {came}"
            self.tally.slowest = max(self.tally.slowest, took)
