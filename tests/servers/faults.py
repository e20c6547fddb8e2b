"""What a backend that does not answer comes to: counted, or measured against a late machine."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from example.lateness import lateness
from fallback_storage.errors import DeadlineExceeded
from fallback_storage.signals import backend_failed


@contextmanager
def counting_faults() -> Iterator[Counter[str]]:
    """Count the types of the errors of backends that could not answer while the block runs."""
    counts: Counter[str] = Counter()

    def failed(error_type: str, **_: Any) -> None:
        counts[error_type] += 1

    backend_failed.connect(failed)
    try:
        yield counts
    finally:
        backend_failed.disconnect(failed)


def overdue(call: Callable[[], object], deadline: float) -> None:
    """Check that a call waits for its deadline once, and not twice, but for a late machine."""
    with lateness() as late:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            call()
        took = time.monotonic() - started
    assert deadline <= took < 2 * deadline + late.seconds
