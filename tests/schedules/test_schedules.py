"""What two actors do at the same time comes to what they would do one after the other.

Two threads, or two processes; every schedule of their steps is played. `make soak` plays them in
all worlds, and also lets an actor end before each of its steps, or find the disk full there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from .cases import Case, cases
from .reports import Report
from .scenes import Scene
from .stage import Stage, staged

CASES = [(case, operation) for case in cases() for operation in case.operations]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture(autouse=True)
def _silence(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "fallback_storage")


@pytest.mark.parametrize(("case", "operation"), CASES, ids=str)
def test_some_order_explains_every_schedule(
    stage: Stage, case: Case, operation: str, record_property: Callable[[str, object], None]
) -> None:
    """The operation, beside each of those that come after it in the case."""
    report = Report(case.extras)
    with stage.in_turns():
        for pair in case.pairs():
            if pair[0] == operation:
                report.enumerate(Scene(stage, case.world, pair))
    record_property("schedules of two operations", report.schedules)
    record_property("runs that cover them", report.runs)
    record_property("schedules that no order explains", len(report.violations))
    if report.violations:
        pytest.fail(str(report), pytrace=False)
