"""What every test shares: explained assertions of the contract suite, Hypothesis, marks."""

from __future__ import annotations

import gc
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

# The suite asserts in modules that are not tests: explained in full only if asked for.
pytest.register_assert_rewrite("fallback_storage.testing", "tests.servers.remote_suite")

# The same examples in every run, and none remembered: a failure is one of the code.
settings.register_profile(
    "ci", derandomize=True, database=None, max_examples=100, deadline=None, print_blob=True
)
# New examples in every run, for as long as one has patience.
settings.register_profile("soak", max_examples=3_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

TESTS = Path(__file__).parent
#: The folders whose tests use a server.
SERVERS = {"apps", "browser", "servers", "soak"}
#: The folders that enumerate: a minute for the small worlds.
ENUMERATIONS = {"faults", "schedules"}


@pytest.hookimpl(tryfirst=True)  # before ``-m`` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use a server, wherever they are, and those that enumerate."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in SERVERS or "seaweedfs" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.server)
        if folder in ENUMERATIONS:
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what thousands of collected tests are made of."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much the tests came to that count what they play."""
    totals: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            totals.update(dict(report.user_properties))
    for what, total in totals.items():
        terminalreporter.write_line(f"{total:,} {what}")
