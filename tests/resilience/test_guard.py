"""A guard counts what a backend's calls come to, which bounds the next one, as do its threads."""

from __future__ import annotations

import errno
import gc
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation

from fallback_storage.conf import BreakerOptions
from fallback_storage.errors import (
    BreakerOpen,
    BulkheadFull,
    DeadlineExceeded,
    StorageUnavailable,
)
from fallback_storage.outcomes import Outcome, classify
from fallback_storage.resilience.breaker import Breaker
from fallback_storage.resilience.bulkhead import Bulkhead
from fallback_storage.resilience.call import NO_RECOVERY, under_way
from fallback_storage.resilience.guard import Guard
from tests.resilience.instructions import (
    disturbed_everywhere,
    disturbed_in_its_threads,
    interrupted_everywhere,
)

PATIENCE = 10.0
DENIED = PermissionError(errno.EACCES, "denied")
FULL = OSError(errno.ENOSPC, "full")
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "refused")


def judge(error: Exception) -> Outcome:
    return Outcome.UNREACHABLE if type(error) is ConnectionRefusedError else classify(error)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Rig:
    """A guard on a virtual clock, and its breaker."""

    def __init__(self, *, bulkhead: Bulkhead | None = None, **options: Any) -> None:
        self.clock = Clock()
        options = {"failures": 3, "lease": 60.0, **options}
        self.breaker = Breaker(BreakerOptions(**options), clock=self.clock, draw=lambda: 0.0)
        self.guard = Guard(
            "a", breaker=self.breaker, bulkhead=bulkhead, timeout=PATIENCE, clock=self.clock
        )

    def answer(self, **keywords: Any) -> str:
        return self.guard.call(lambda: "answer", judge, **keywords)

    def fail(self, error: BaseException = REFUSED, seconds: float = 0.0) -> None:
        def fail() -> None:
            self.clock.now += seconds
            raise type(error)(*error.args)  # A new one: each holds the frames it went through.

        with suppress(type(error)):
            self.guard.call(fail, judge)

    def open(self) -> None:
        while self.breaker.state == "closed":
            self.breaker.faulted(self.breaker.permit() or 0)

    def cool_down(self) -> None:
        self.clock.now += self.breaker.seconds_left


# What counts


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (REFUSED, True),
        (TimeoutError(), True),
        (DeadlineExceeded(), True),
        (StorageUnavailable("nested"), True),
        (ValueError("whatever"), True),
        (FileNotFoundError(errno.ENOENT, "missing"), False),
        (DENIED, False),
        (FULL, False),
        (OSError(errno.EMFILE, "too many"), False),
        (NotImplementedError(), False),
        (SuspiciousFileOperation("bad name"), False),
        (BulkheadFull(), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_only_what_tells_of_an_outage_counts(error: BaseException, counts: bool) -> None:
    rig = Rig(failures=5)
    for _ in range(5):
        assert not rig.guard.refuses
        rig.fail(error)
    assert rig.guard.refuses is counts
    assert rig.guard.faults == (5 if counts else 0)
    assert rig.guard.calls == 5
    assert rig.guard.last_error == (type(error).__name__ if counts else None)


@pytest.mark.parametrize("error", [FileNotFoundError(), DENIED])
def test_missing_and_denied_are_answers(error: Exception) -> None:
    rig = Rig(failures=2)
    for _ in range(3):
        rig.fail()
        rig.fail(error)
    assert rig.breaker.state == "closed"  # The faults were not consecutive.


def test_a_full_disk_is_no_answer() -> None:
    rig = Rig(failures=2)
    rig.fail()
    rig.fail(FULL)
    rig.fail()
    assert rig.breaker.state == "open"


def test_without_a_breaker_faults_are_counted_and_nothing_is_refused() -> None:
    guard = Guard("a")
    for _ in range(9):
        with pytest.raises(ConnectionRefusedError):
            guard.call(partial(fail, REFUSED), judge)
    assert (guard.calls, guard.faults, guard.refuses) == (9, 9, False)
    assert guard.call(lambda: "answer", judge) == "answer"


def fail(error: BaseException) -> None:
    raise error


def test_an_interrupted_call_says_nothing() -> None:
    rig = Rig()
    rig.open()
    rig.cool_down()
    rig.fail(KeyboardInterrupt())
    assert rig.breaker.state == "half-open"
    assert not rig.breaker.refuses  # The next call is the probe.
    assert rig.answer() == "answer"
    assert rig.breaker.state == "closed"


def test_a_refused_call_is_not_made_and_says_after_which_kind_of_fault() -> None:
    rig = Rig(failures=1)
    rig.fail(ConnectionError("cannot log in with hunter2"))
    with pytest.raises(BreakerOpen) as error:
        rig.guard.call(pytest.fail, judge)
    assert str(error.value) == "a is not asked: its breaker is open after ConnectionError."
    assert rig.guard.calls == 1
    assert rig.answer(force=True) == "answer"
    assert rig.breaker.state == "closed"


# How long it took


def test_a_fault_that_took_longer_than_five_seconds_opens_at_once() -> None:
    rig = Rig()
    rig.fail(TimeoutError(), seconds=5.1)
    assert rig.breaker.state == "open"
    with pytest.raises(BreakerOpen):
        rig.answer()
    assert rig.clock.now == 5.1


def test_the_wait_for_a_thread_is_not_the_backend_s_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bulkhead = Bulkhead("a", 1)
    rig = Rig(bulkhead=bulkhead, slow_call=1.0, slow_fault=1.0)
    run = bulkhead.run

    def run_after_a_while(*args: Any) -> Any:
        rig.clock.now += 100
        return run(*args)

    monkeypatch.setattr(bulkhead, "run", run_after_a_while)
    for _ in range(9):
        assert rig.answer() == "answer"
        rig.fail()
    assert rig.breaker.state == "closed"
    rig.fail(seconds=1.1)
    assert rig.breaker.state == "open"


# Where it is made


def test_a_call_within_a_call_is_a_part_of_it() -> None:
    rig = Rig(bulkhead=Bulkhead("a", 1))
    rig.open()

    def within() -> str:
        return rig.guard.call(lambda: threading.current_thread().name, judge)

    # Neither waits for the one thread, nor is refused by the breaker.
    assert rig.guard.call(within, judge, force=True) == "fallback_storage a"
    assert rig.guard.calls == 1


def test_a_file_that_is_used_within_a_call_of_its_backend_is_used_there() -> None:
    rig = serial()

    def use() -> threading.Thread:
        return rig.guard.serialize(
            threading.current_thread, with_deadline=True, recovery=NO_RECOVERY
        )

    assert rig.guard.call(use, judge) is use()
    assert use() is not threading.current_thread()
    assert rig.guard.calls == 1


def test_a_probe_that_calls_again_is_one_call() -> None:
    rig = Rig()
    rig.open()
    rig.cool_down()
    assert rig.guard.call(lambda: rig.answer(), judge) == "answer"
    assert rig.breaker.state == "closed"
    assert under_way.get() == ()


def test_a_write_is_made_by_its_caller_unless_one_thread_makes_all_calls() -> None:
    for threads in (1, 2):
        guard = Guard("a", bulkhead=Bulkhead("a", threads), timeout=PATIENCE)
        thread = guard.call(threading.current_thread, judge, with_deadline=False)
        assert guard.is_serial is (threads == 1)
        assert (thread is threading.current_thread()) is not guard.is_serial
    assert not Guard("a").is_serial


def test_who_waits_for_a_call_is_not_within_it() -> None:
    """Else garbage collected meanwhile would use the client beside its only thread."""
    seen: set[object] = set()

    def see(rig: Rig) -> None:
        seen.add(under_way.get())

    for _ in disturbed_everywhere(serial, Rig.answer, see):
        assert seen == {()}


# At any instruction


def serial() -> Rig:
    return Rig(bulkhead=Bulkhead("a", 1))


def probing() -> Rig:
    rig = serial()
    rig.open()
    rig.cool_down()
    return rig


def write(rig: Rig) -> None:
    rig.answer(with_deadline=False)


def use_file(rig: Rig) -> None:
    rig.guard.serialize(lambda: "read", with_deadline=True, recovery=NO_RECOVERY)


ACTS: dict[str, tuple[Callable[[], Rig], Callable[[Rig], object]]] = {
    "call": (serial, Rig.answer),
    "failing call": (serial, Rig.fail),
    "probe": (probing, Rig.answer),
    "write": (serial, write),
    "use of a file": (serial, use_file),
    "call without threads": (Rig, Rig.answer),
    "failing call without threads": (Rig, Rig.fail),
    "use of a file without threads": (Rig, use_file),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_call_interrupted_at_any_instruction_leaves_all_in_order(act: str) -> None:
    for rig in interrupted_everywhere(*ACTS[act]):
        assert under_way.get() == ()
        rig.clock.now += 60.0  # An interrupted probe gives way to another after its lease.
        assert_in_order(rig)


@pytest.mark.parametrize("act", ["call", "failing call", "write", "call without threads"])
def test_garbage_collected_at_any_instruction_of_a_call_may_call(act: str) -> None:
    for rig in disturbed_everywhere(*ACTS[act], partial(Rig.answer, force=True)):
        assert_in_order(rig)


def assert_in_order(rig: Rig) -> None:
    """Assert that it answers, that threads and deadline bound it, and that its breaker opens."""
    assert rig.answer() == "answer"
    assert rig.breaker.state == "closed"
    if rig.guard.bulkhead is not None:
        thread = rig.guard.call(threading.current_thread, judge, with_deadline=False)
        assert thread.name == "fallback_storage a"
        assert rig.guard.bulkhead.stuck == 0
    rig.fail()
    for _ in range(2):
        assert rig.breaker.state == "closed"
        rig.breaker.faulted(rig.breaker.permit() or 0)
    with pytest.raises(BreakerOpen):
        rig.answer()


def test_garbage_collected_at_any_instruction_of_a_thread_may_call() -> None:
    """It would wait for the very thread that waits for it."""
    answers: list[str] = []

    def disturb(rig: Rig) -> None:
        answers.append(rig.answer())

    def call_twice(rig: Rig) -> None:
        assert rig.answer() == rig.answer() == "answer"

    for rig in disturbed_in_its_threads(serial, call_twice, disturb):
        assert_in_order(rig)
    assert set(answers) == {"answer"}


class Garbage:
    """Makes a call when it is collected, as a file that is written when it is closed does."""

    def __init__(self, rig: Rig, answers: list[str]) -> None:
        self._rig = rig
        self._answers = answers
        self._circle = self

    def __del__(self) -> None:
        self._answers.append(self._rig.answer(with_deadline=False))


def test_garbage_that_makes_calls_waits_for_nobody() -> None:
    rig, answers, before = serial(), list[str](), gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for _ in range(200):
            Garbage(rig, answers)
            assert rig.answer() == "answer"
            rig.fail()
            rig.breaker.reset()
    finally:
        gc.set_threshold(*before)
        gc.collect()
    assert answers == ["answer"] * 200
