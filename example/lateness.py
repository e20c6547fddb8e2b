"""How late the machine is: what a claim about time has to allow for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

INTERVAL = 0.02


class Lateness:
    """How many seconds late, at worst, the machine was to go on with a thread that slept."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._measure, name="lateness", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _measure(self) -> None:
        before = time.monotonic()
        while not self._over.wait(INTERVAL):
            now = time.monotonic()
            self.seconds = max(self.seconds, now - before - INTERVAL)
            before = now


@contextmanager
def lateness() -> Iterator[Lateness]:
    """Measure it while the block runs."""
    late = Lateness()
    late.start()
    try:
        yield late
    finally:
        late.stop()
