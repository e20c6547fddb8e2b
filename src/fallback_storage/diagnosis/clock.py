"""Whether this machine's clock agrees with a server's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from fallback_storage.backend.backend import Backend
from fallback_storage.diagnosis.finding import Findings, problem, well

#: More is wrong: servers refuse signatures that are some minutes off, and URLs that have expired.
MOST = timedelta(minutes=1)


def clock(backend: Backend, now: Callable[[], datetime]) -> Findings:
    """Ask a backend's server for its time; nothing is found where it does not tell."""
    before = now()
    with suppress(Exception):  # Whether it answers is another finding.
        server_time: datetime | None = backend.inspect(backend.adapter.server_time)
        if server_time is not None:
            yield from compared(backend.name, server_time, before + (now() - before) / 2)


def compared(subject: str, server_time: datetime, here: datetime) -> Findings:
    """Compare two clocks."""
    skew = here - server_time
    if abs(skew) <= MOST:
        yield well("clock", subject, "its clock agrees")
        return
    direction = "ahead of" if skew > timedelta() else "behind"
    seconds = abs(skew).total_seconds()
    yield problem(
        "clock-skew",
        subject,
        f"this machine's clock is {seconds:.0f} s {direction} its server's",
        "Set this machine's clock (NTP): signatures and signed URLs hold for minutes.",
    )
