"""What a production that cannot answer costs: claims that a busy machine does not make untrue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.conf import settings

from example.claims import check
from example.lateness import lateness
from fallback_storage.errors import BreakerOpen, BulkheadFull
from fallback_storage.signals import backend_failed, breaker_changed

#: Who says so was not asked, and has cost nothing.
NOT_ASKED = {BreakerOpen.__name__, BulkheadFull.__name__}
GRACE = 1.0  # seconds that work may take which waits for nobody


def limits() -> dict[str, Any]:
    """What the settings say of production, the last of the backends."""
    options: Any = settings.STORAGES["default"]["OPTIONS"]
    return cast(dict[str, Any], options["backends"][-1])


class Outage:
    """How often production was asked, how often its breaker let a probe pass, and for how long."""

    def __init__(self) -> None:
        self.asked = 0
        self.probes = 0
        self.seconds = 0.0

    def failed(self, error_type: str, **_: Any) -> None:
        self.asked += error_type not in NOT_ASKED

    def changed(self, new: str, **_: Any) -> None:
        self.probes += new == "half-open"


@contextmanager
def bounded_by_its_breaker() -> Iterator[Outage]:
    """Check that production is asked in the block no more often than its breaker allows."""
    seen = Outage()
    backend_failed.connect(seen.failed)
    breaker_changed.connect(seen.changed)
    begin = time.monotonic()
    try:
        yield seen
        seen.seconds = time.monotonic() - begin
    finally:
        backend_failed.disconnect(seen.failed)
        breaker_changed.disconnect(seen.changed)
    allowed = limits()["BREAKER"]["failures"] + seen.probes
    check(seen.asked <= allowed, f"Production was asked {seen.asked} times instead of {allowed}.")


@contextmanager
def bounded_by_its_deadline() -> Iterator[None]:
    """Check that the question in the block takes its TIMEOUT at most, but for a late machine."""
    with lateness() as late:
        begin = time.monotonic()
        yield
        seconds = time.monotonic() - begin
    allowed = limits()["TIMEOUT"] + late.seconds + GRACE
    check(seconds <= allowed, f"It took {seconds:.1f} s instead of {allowed:.1f} s.")
