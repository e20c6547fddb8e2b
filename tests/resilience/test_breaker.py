"""A breaker on a virtual clock: when it opens, whom it lets through, and when it closes again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fallback_storage.conf import BreakerOptions
from fallback_storage.resilience.breaker import Breaker, State
from tests.resilience.instructions import disturbed_everywhere, interrupted_everywhere

THREADS = 16
PATIENCE = 60.0
CLOSED, OPEN, HALF_OPEN = State.CLOSED, State.OPEN, State.HALF_OPEN


class Clock:
    """Time that passes when it is told to. Something may happen while it is read."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.readings = 0
        self._happens: dict[int, Callable[[], object]] = {}

    def meanwhile(self, happen: Callable[[], object], *, reading: int) -> None:
        """Let it happen at the next reading but so many."""
        self._happens[self.readings + reading] = happen

    def __call__(self) -> float:
        self.readings += 1
        self._happens.pop(self.readings, lambda: None)()
        return self.now


class Rig:
    """A breaker, its clock, and the changes that it told."""

    def __init__(self, *, draw: float = 0.0, **options: Any) -> None:
        self.clock = Clock()
        self.changes: list[tuple[State, State]] = []
        self.breaker = Breaker(
            BreakerOptions(**options),
            clock=self.clock,
            draw=lambda: draw,
            on_change=lambda old, new: self.changes.append((old, new)),
        )

    @property
    def state(self) -> State:
        return self.breaker.state

    def permit(self, *, force: bool = False) -> int:
        permit = self.breaker.permit(force=force)
        assert permit is not None
        return permit

    def refuses(self) -> bool:
        return self.breaker.permit() is None

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    def fault(self, seconds: float = 0.0) -> None:
        self.breaker.faulted(self.permit(), seconds)

    def answer(self, seconds: float = 0.0) -> None:
        self.breaker.succeeded(self.permit(), seconds)

    def try_(self) -> None:
        """Make a call that answers, if it is let through."""
        permit = self.breaker.permit()
        if permit is not None:
            self.breaker.succeeded(permit)

    def open(self) -> None:
        while self.state is CLOSED:
            self.fault()

    def half_open(self) -> int:
        """Open it, wait for the cool-down, and take the probe."""
        self.open()
        self.wait(self.breaker.seconds_left)
        return self.permit()

    def play(self, steps: Sequence[str]) -> State:
        """Do what each step says: "fault", "answer", "answer 3" (slowly), "wait 60", …"""
        for step in steps:
            what, _, number = step.partition(" ")
            method: Callable[..., None] = getattr(self, what)
            method(*([float(number)] if number else []))
        return self.state


RATE = {"failures": 100, "minimum_calls": 4, "rate": 0.5, "window": 60.0}


@pytest.mark.parametrize(
    ("options", "steps", "state"),
    [
        # Consecutive faults.
        ({"failures": 3}, ["fault"] * 2, CLOSED),
        ({"failures": 3}, ["fault"] * 3, OPEN),
        ({"failures": 1}, ["fault"], OPEN),
        ({"failures": 3}, ["fault", "fault", "answer", "fault", "fault"], CLOSED),
        ({"failures": 3}, ["fault", "fault", "answer", "fault", "fault", "fault"], OPEN),
        ({"failures": 3}, ["fault", "wait 1000", "fault", "wait 1000", "fault"], OPEN),
        # A rate, over enough calls.
        (RATE, ["fault"] * 3, CLOSED),
        (RATE, ["fault"] * 4, OPEN),
        (RATE, ["fault", "answer", "fault", "answer"], OPEN),
        (RATE, ["fault", "answer", "answer", "fault"], OPEN),
        (RATE, ["fault", "answer", "answer", "answer", "fault"], CLOSED),
        (RATE, ["fault", "answer", "answer", "answer", "fault", "fault"], OPEN),
        (RATE | {"rate": 1.0}, ["fault", "fault", "answer", "fault", "fault"], CLOSED),
        (RATE | {"rate": 0.0}, ["answer"] * 9, CLOSED),
        (RATE | {"rate": 0.0}, ["fault", *["answer"] * 3], OPEN),
        (RATE | {"minimum_calls": 1}, ["answer", "answer"], CLOSED),
        # Answers count from the first fault on, and until its window ends.
        (RATE, ["answer"] * 9 + ["fault"] * 4, OPEN),
        (RATE, ["fault", "fault", "fault", "wait 59", "fault"], OPEN),
        (RATE, ["fault", "fault", "fault", "wait 60", "fault"], CLOSED),
        (RATE, ["fault", "fault", "fault", "wait 60", "answer"], CLOSED),
        (RATE, ["fault", "wait 60", "answer", "fault", "fault", "fault"], CLOSED),
        (RATE, ["fault", "wait 60", "answer", "fault", "fault", "fault", "fault"], OPEN),
        (RATE, ["fault", "wait 60", *["fault"] * 3, "wait 59", "answer"], OPEN),
        (RATE, ["fault", "wait 60", "fault", *["answer"] * 3], CLOSED),
        # One slow fault.
        ({"slow_fault": 5.0}, ["fault 5"], CLOSED),
        ({"slow_fault": 5.0}, ["fault 5.1"], OPEN),
        ({"slow_fault": 0.0}, ["fault"], CLOSED),
        ({"slow_fault": None}, ["fault 180"], CLOSED),
        ({"slow_fault": 5.0}, ["answer 180"], CLOSED),
        # Slow answers.
        ({"failures": 2, "slow_call": 2.0}, ["answer 2", "answer 2"], CLOSED),
        ({"failures": 2, "slow_call": 2.0}, ["answer 2.1", "answer 2.1"], OPEN),
        ({"failures": 2, "slow_call": 2.0}, ["answer 2.1", "answer 1", "answer 2.1"], CLOSED),
        ({"failures": 2, "slow_call": 2.0}, ["answer 2.1", "fault"], OPEN),
        ({"failures": 2, "slow_call": None}, ["answer 1000"] * 9, CLOSED),
        (RATE | {"slow_call": 2.0}, ["answer 2.1", "answer", "answer", "answer"], CLOSED),
        (RATE | {"slow_call": 2.0}, ["answer 2.1", "answer", "answer", "answer 2.1"], OPEN),
    ],
)
def test_it_opens_when_there_are_too_many_faults(
    options: dict[str, Any], steps: list[str], state: State
) -> None:
    rig = Rig(**options)
    assert rig.play(steps) is state
    assert rig.refuses() is (state is OPEN)
    assert rig.changes == ([(CLOSED, OPEN)] if state is OPEN else [])


def test_a_call_of_unknown_duration_was_not_slow() -> None:
    rig = Rig(failures=2, slow_fault=0.0, slow_call=0.0)
    rig.breaker.faulted(rig.permit())
    rig.breaker.succeeded(rig.permit())
    rig.breaker.faulted(rig.permit())
    assert rig.state is CLOSED


def test_unless_told_otherwise_five_faults_or_one_slow_one_open_it_for_ten_seconds() -> None:
    for steps in (["fault"] * 5, ["fault 5.1"]):
        rig = Rig()
        assert rig.play(steps) is OPEN
        assert rig.breaker.seconds_left == 10.0
        assert repr(rig.breaker) == "<Breaker: open>"


def test_while_it_is_open_nobody_is_let_through() -> None:
    rig = Rig(cooldown=10.0)
    rig.open()
    rig.wait(9.9)
    assert rig.refuses()
    assert rig.breaker.refuses
    assert rig.breaker.seconds_left == pytest.approx(0.1)
    rig.wait(0.1)
    assert rig.breaker.seconds_left == 0.0
    assert not rig.refuses()


# The probe


def test_a_probe_that_answers_closes_it() -> None:
    rig = Rig()
    rig.breaker.succeeded(rig.half_open())
    assert rig.state is CLOSED
    assert not rig.breaker.refuses
    assert rig.breaker.seconds_left == 0.0
    assert rig.changes == [(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, CLOSED)]


def test_once_closed_it_has_forgotten_the_faults_before() -> None:
    rig = Rig(failures=3, minimum_calls=4)
    rig.breaker.succeeded(rig.half_open())
    assert rig.play(["fault", "fault"]) is CLOSED


def test_a_probe_that_fails_opens_it_for_longer() -> None:
    rig = Rig(cooldown=10.0)
    rig.breaker.faulted(rig.half_open())
    assert rig.state is OPEN
    assert rig.breaker.seconds_left == 20.0
    assert rig.changes[-1] == (HALF_OPEN, OPEN)


def test_a_probe_that_answers_too_slowly_has_failed() -> None:
    rig = Rig(slow_call=2.0)
    rig.breaker.succeeded(rig.half_open(), 2.1)
    assert rig.state is OPEN


def test_exactly_one_of_many_threads_gets_the_probe() -> None:
    rig = Rig()
    rig.open()
    for _ in range(20):
        rig.wait(rig.breaker.seconds_left)
        permits = from_many_threads(rig.breaker.permit)
        [probe] = [permit for permit in permits if permit is not None]
        assert rig.changes[-2:] == [rig.changes[-2], (OPEN, HALF_OPEN)]
        rig.breaker.faulted(probe)
        assert rig.state is OPEN


def from_many_threads(ask: Callable[[], int | None]) -> list[int | None]:
    together = threading.Barrier(THREADS, timeout=PATIENCE)

    def asked(_: int) -> int | None:
        together.wait()
        return ask()

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(asked, range(THREADS)))


def test_a_thread_that_comes_too_late_for_the_probe_goes_without() -> None:
    """Between its look and its claim, another thread has had the probe."""
    rig = Rig()
    rig.open()
    rig.wait(rig.breaker.seconds_left)
    rig.clock.meanwhile(rig.permit, reading=2)
    assert rig.refuses()
    assert rig.state is HALF_OPEN
    assert rig.changes == [(CLOSED, OPEN), (OPEN, HALF_OPEN)]


def test_a_thread_that_comes_when_it_has_just_closed_is_let_through() -> None:
    rig = Rig()
    rig.open()
    rig.wait(rig.breaker.seconds_left)
    rig.clock.meanwhile(rig.breaker.reset, reading=2)
    rig.permit()
    assert rig.state is CLOSED
    assert rig.changes == [(CLOSED, OPEN), (OPEN, CLOSED)]


def test_what_another_thread_counts_meanwhile_is_not_lost() -> None:
    rig = Rig(failures=2)
    permit = rig.permit()
    rig.clock.meanwhile(lambda: rig.breaker.faulted(permit), reading=1)
    rig.breaker.faulted(permit)
    assert rig.state is OPEN
    assert rig.changes == [(CLOSED, OPEN)]


def test_a_probe_that_does_not_end_gives_way_to_another() -> None:
    rig = Rig(lease=60.0)
    rig.half_open()
    rig.wait(59.9)
    assert rig.refuses()
    rig.wait(0.1)
    rig.permit()
    assert rig.state is HALF_OPEN
    assert rig.refuses()


@pytest.mark.parametrize("late", ["succeeded", "faulted", "abstained"])
def test_the_late_result_of_a_probe_that_gave_way_is_ignored(late: str) -> None:
    rig = Rig(lease=60.0)
    abandoned = rig.half_open()
    rig.wait(60.0)
    probe = rig.permit()
    getattr(rig.breaker, late)(abandoned)
    assert rig.state is HALF_OPEN
    assert rig.refuses()
    rig.breaker.succeeded(probe)
    assert rig.state is CLOSED


def test_a_probe_that_tells_nothing_gives_way_at_once() -> None:
    rig = Rig()
    rig.breaker.abstained(rig.half_open())
    assert rig.state is HALF_OPEN
    probe = rig.permit()
    assert rig.refuses()
    rig.breaker.succeeded(probe)
    assert rig.state is CLOSED


def test_what_tells_nothing_counts_nowhere_else() -> None:
    rig = Rig(failures=2)
    rig.fault()
    rig.breaker.abstained(rig.permit())
    assert rig.state is CLOSED
    rig.fault()
    assert rig.state is OPEN
    rig.breaker.abstained(rig.permit(force=True))
    assert rig.state is OPEN
    assert rig.refuses()


# Results from another time


@pytest.mark.parametrize("late", ["succeeded", "faulted"])
@pytest.mark.parametrize("state", [OPEN, HALF_OPEN, CLOSED])
def test_a_call_from_before_a_change_tells_of_another_time(late: str, state: State) -> None:
    rig = Rig(failures=2, slow_fault=5.0)
    before = rig.permit()
    rig.open()
    if state is not OPEN:
        rig.wait(rig.breaker.seconds_left)
        probe = rig.permit()
        if state is CLOSED:
            rig.breaker.succeeded(probe)
    for _ in range(9):
        getattr(rig.breaker, late)(before, 6.0)
    assert rig.state is state


@pytest.mark.parametrize("change", ["close", "reset", "answer"])
def test_what_an_abandoned_probe_came_to_does_not_open_it_again(change: str) -> None:
    rig = Rig(failures=1, lease=60.0)
    abandoned = rig.half_open()
    rig.wait(60.0)
    if change == "answer":
        rig.breaker.succeeded(rig.permit())
    else:
        getattr(rig.breaker, change)()
    assert rig.state is CLOSED
    rig.breaker.faulted(abandoned)
    assert rig.state is CLOSED


def test_a_stale_success_does_not_close_it() -> None:
    rig = Rig(failures=3)
    slow_but_well = rig.permit()
    rig.open()
    left = rig.breaker.seconds_left
    rig.breaker.succeeded(slow_but_well)
    assert rig.state is OPEN
    assert rig.breaker.seconds_left == left


def test_a_stale_fault_does_not_prolong_it() -> None:
    rig = Rig(failures=3)
    hung = rig.permit()
    rig.open()
    rig.wait(3.0)
    rig.breaker.faulted(hung, 180.0)
    assert rig.breaker.seconds_left == 7.0


# Forced calls


def test_a_forced_call_is_let_through_whatever_the_state() -> None:
    rig = Rig()
    rig.open()
    rig.permit(force=True)
    rig.wait(rig.breaker.seconds_left)
    rig.permit(force=True)
    assert rig.state is HALF_OPEN  # It was the probe.
    rig.permit(force=True)
    assert rig.refuses()


def test_a_forced_call_that_answers_closes_it() -> None:
    rig = Rig()
    rig.open()
    rig.breaker.succeeded(rig.permit(force=True))
    assert rig.state is CLOSED


def test_a_forced_call_that_fails_prolongs_nothing() -> None:
    rig = Rig()
    rig.open()
    rig.wait(4.0)
    rig.breaker.faulted(rig.permit(force=True))
    assert rig.breaker.seconds_left == 6.0
    rig.wait(6.0)
    rig.breaker.faulted(rig.permit())
    assert rig.breaker.seconds_left == 20.0


# The cool-down


@pytest.mark.parametrize(
    ("draw", "times"),
    [
        (0.0, [10.0, 20.0, 40.0, 80.0, 120.0, 120.0]),
        (1.0, [9.0, 18.0, 36.0, 72.0, 108.0, 108.0]),
        (0.5, [9.5, 19.0, 38.0, 76.0, 114.0, 114.0]),
    ],
)
def test_each_cool_down_is_twice_the_one_before_up_to_a_ceiling(
    draw: float, times: list[float]
) -> None:
    rig = Rig(draw=draw, cooldown=10.0, max_cooldown=120.0, jitter=0.1)
    rig.open()
    found = []
    for _ in times:
        found.append(rig.breaker.seconds_left)
        rig.wait(found[-1] + 0.001)
        rig.fault()
    assert found == pytest.approx(times)


def test_however_often_a_probe_fails_the_ceiling_holds() -> None:
    rig = Rig()
    rig.open()
    for _ in range(5000):
        rig.wait(rig.breaker.seconds_left + 0.001)
        rig.fault()
    assert rig.breaker.seconds_left == pytest.approx(120.0)


def test_once_it_answers_the_next_cool_down_is_the_first_again() -> None:
    rig = Rig()
    rig.breaker.faulted(rig.half_open())
    rig.wait(20.0)
    rig.answer()
    rig.open()
    assert rig.breaker.seconds_left == 10.0


# Operators


def test_forced_open_it_stays_so_whatever_is_answered() -> None:
    rig = Rig()
    rig.breaker.force_open()
    assert rig.breaker.seconds_left == float("inf")
    rig.wait(1e9)
    assert rig.refuses()
    rig.breaker.succeeded(rig.permit(force=True))
    rig.breaker.faulted(rig.permit(force=True))
    assert rig.state is OPEN
    assert rig.refuses()
    rig.breaker.close()
    assert rig.state is CLOSED
    rig.answer()
    assert rig.changes == [(CLOSED, OPEN), (OPEN, CLOSED)]


def test_closed_by_hand_it_remembers_how_long_it_last_had_to_wait() -> None:
    rig = Rig(failures=3)
    rig.breaker.faulted(rig.half_open())
    rig.breaker.close()
    assert rig.state is CLOSED
    assert rig.play(["fault", "fault"]) is CLOSED
    assert rig.play(["fault"]) is OPEN
    assert rig.breaker.seconds_left == 40.0


def test_reset_it_is_as_if_it_were_new() -> None:
    rig = Rig(failures=3)
    rig.breaker.faulted(rig.half_open())
    rig.breaker.reset()
    assert rig.state is CLOSED
    assert rig.play(["fault", "fault"]) is CLOSED
    rig.breaker.reset()
    assert rig.play(["fault", "fault"]) is CLOSED
    assert rig.play(["fault"]) is OPEN
    assert rig.breaker.seconds_left == 10.0


@pytest.mark.parametrize("act", ["force_open", "close", "reset"])
def test_a_call_from_before_it_was_set_by_hand_tells_of_another_time(act: str) -> None:
    rig = Rig(failures=1)
    before = rig.permit()
    getattr(rig.breaker, act)()
    state = rig.state
    rig.breaker.faulted(before)
    rig.breaker.succeeded(before)
    assert rig.state is state


# Whatever comes in between


def test_who_is_told_of_a_change_may_ask_it() -> None:
    seen: list[tuple[State, bool]] = []

    def told(old: State, new: State) -> None:
        seen.append((breaker.state, breaker.permit() is None))

    breaker = Breaker(BreakerOptions(failures=1), clock=Clock(), on_change=told)
    breaker.faulted(0)
    breaker.close()
    assert seen == [(OPEN, True), (CLOSED, False)]


def test_who_is_told_of_a_change_does_not_hold_up_another_thread() -> None:
    asked: list[int | None] = []

    def told(old: State, new: State) -> None:
        thread = threading.Thread(target=lambda: asked.append(breaker.permit(force=True)))
        thread.start()
        thread.join(PATIENCE)
        assert not thread.is_alive()

    breaker = Breaker(BreakerOptions(failures=1), clock=Clock(), on_change=told)
    breaker.faulted(0)
    assert len(asked) == 1


def test_closed_and_clean_it_has_nothing_to_do() -> None:
    rig = Rig(slow_call=2.0)
    for _ in range(100):
        rig.answer(1.0)
        rig.breaker.abstained(rig.permit())
        assert not rig.breaker.refuses
    assert rig.clock.readings == 0
    rig.fault()
    assert rig.clock.readings == 1


def test_clean_again_it_has_nothing_to_do() -> None:
    rig = Rig(window=60.0)
    assert rig.play(["fault", "wait 60", "answer"]) is CLOSED
    readings = rig.clock.readings
    rig.answer()
    assert rig.clock.readings == readings


ACTS: dict[str, Callable[[Rig], object]] = {
    "fault": Rig.fault,
    "the fault that opens it": lambda rig: rig.play(["fault"] * 3),
    "probe": Rig.half_open,
    "answer": lambda rig: rig.breaker.succeeded(rig.half_open()),
    "force_open": lambda rig: rig.breaker.force_open(),
    "reset": lambda rig: rig.breaker.reset(),
}


@pytest.mark.parametrize("act", ACTS)
def test_interrupted_at_any_instruction_it_goes_on_as_usual(act: str) -> None:
    def begin() -> Rig:
        return Rig(failures=3, lease=60.0)

    for rig in interrupted_everywhere(begin, ACTS[act]):
        rig.breaker.reset()
        assert rig.state is CLOSED
        assert rig.play(["fault"] * 3) is OPEN
        assert rig.refuses()
        rig.wait(rig.breaker.seconds_left)
        probe = rig.permit()
        assert rig.refuses()
        rig.breaker.succeeded(probe)
        assert rig.state is CLOSED


def test_garbage_collected_at_any_instruction_may_ask_it() -> None:
    """What it counts then is not lost, nor what is being counted."""

    def begin() -> Rig:
        return Rig(failures=3)

    *disturbed, undisturbed = disturbed_everywhere(begin, Rig.fault, Rig.fault)
    for rig in disturbed:
        assert rig.state is CLOSED
        assert rig.play(["fault"]) is OPEN
    assert undisturbed.play(["fault"]) is CLOSED


@pytest.mark.parametrize("act", ["permit", "force_open", "reset", "close"])
def test_whatever_is_done_at_any_instruction_it_opens_and_closes_as_usual(act: str) -> None:
    def begin() -> Rig:
        rig = Rig(failures=1)
        rig.open()
        rig.wait(rig.breaker.seconds_left)
        return rig

    for disturb in (Rig.try_, lambda rig: rig.breaker.reset(), lambda rig: rig.breaker.close()):
        for rig in disturbed_everywhere(begin, lambda rig: getattr(rig.breaker, act)(), disturb):
            rig.breaker.reset()
            rig.fault()
            assert rig.state is OPEN
            rig.wait(rig.breaker.seconds_left)
            rig.answer()
            assert rig.state is CLOSED


def test_faults_of_many_threads_are_all_counted() -> None:
    rig = Rig(failures=THREADS, minimum_calls=1000)
    permit = rig.permit()

    def fault() -> None:
        rig.breaker.faulted(permit)

    from_many_threads(fault)
    assert rig.state is OPEN
    assert rig.changes == [(CLOSED, OPEN)]


def test_a_forced_call_that_tells_nothing_leaves_the_probe_to_who_has_it() -> None:
    rig = Rig()
    probe = rig.half_open()
    rig.breaker.abstained(rig.permit(force=True))
    assert rig.refuses()
    rig.breaker.faulted(rig.permit(force=True))
    assert rig.state is HALF_OPEN
    rig.breaker.succeeded(probe)
    assert rig.state is CLOSED
