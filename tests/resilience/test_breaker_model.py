"""Whatever happens, a breaker is as a model says that keeps a diary and reads it anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import takewhile

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fallback_storage.conf import BreakerOptions
from fallback_storage.resilience.breaker import Breaker, State

FAULT, ANSWER = "fault", "answer"

seconds = st.sampled_from((0.0, 0.0, 2.0, 3.0, 5.0, 6.0))


@dataclass
class Model:
    """A breaker that keeps all it was told: `era` is what it was told since it last changed."""

    options: BreakerOptions
    now: float = 0.0
    draw: float = 0.0
    state: str = "closed"
    number: int = 0
    failed_probes: int = 0
    refused_until: float = 0.0
    diary: list[tuple[float, str]] = field(default_factory=list)
    changes: list[tuple[str, str]] = field(default_factory=list)

    # What it says.

    def lets_through(self) -> bool:
        return self.state == "closed" or self.now >= self.refused_until

    def trips(self) -> bool:
        last = [what for _, what in reversed(self.diary)]
        row = len(list(takewhile(FAULT.__eq__, last)))
        if row >= self.options.failures:
            return True
        window = self.window()
        faults = window.count(FAULT)
        enough = len(window) >= self.options.minimum_calls
        return enough and faults > 0 and faults / len(window) >= self.options.rate

    def window(self) -> list[str]:
        """What happened in the present window; each begins with a fault outside of any other."""
        start: float | None = None
        told: list[str] = []
        for when, what in self.diary:
            if start is None or when - start >= self.options.window:
                start, told = (when if what == FAULT else None), []
            if start is not None:
                told.append(what)
        return told

    # What it is told.

    def ask(self, force: bool) -> int | None:
        if not self.lets_through():
            return self.number if force else None
        if self.state != "closed":
            self.become("half-open", self.options.lease)
        return self.number

    def hear(self, number: int, what: str, slow: bool) -> None:
        if number != self.number:
            return
        if self.state == "closed":
            self.diary.append((self.now, what))
            if self.trips() or (what == FAULT and slow):
                self.trip()
        elif what == ANSWER and self.refused_until != float("inf"):
            self.shut()
        elif what == FAULT and self.state == "half-open":
            self.trip()

    def give_up(self, number: int) -> None:
        if number == self.number and self.state == "half-open":
            self.refused_until = self.now

    def trip(self) -> None:
        seconds = self.options.cooldown
        for _ in range(self.failed_probes):
            seconds = min(seconds * 2, self.options.max_cooldown)
        self.failed_probes += 1
        self.become("open", seconds - seconds * self.options.jitter * self.draw)

    def shut(self, *, forgets: bool = True) -> None:
        if forgets:
            self.failed_probes = 0
        self.become("closed", 0.0)

    def become(self, state: str, seconds: float) -> None:
        if state != self.state:
            self.changes.append((self.state, state))
        self.state = state
        self.number += 1
        self.refused_until = self.now + seconds
        self.diary.clear()


class BreakerMachine(RuleBasedStateMachine):
    """Calls under way, in any number, that end in any order; time passes, operators intervene."""

    @initialize(
        failures=st.sampled_from((1, 2, 3, 100)),
        minimum=st.integers(1, 6),
        rate=st.sampled_from((0.0, 0.5, 0.75, 1.0)),
        slow_call=st.sampled_from((None, 2.0)),
        slow_fault=st.sampled_from((None, 5.0)),
        jitter=st.sampled_from((0.0, 0.25)),
    )
    def begin(
        self,
        failures: int,
        minimum: int,
        rate: float,
        slow_call: float | None,
        slow_fault: float | None,
        jitter: float,
    ) -> None:
        self.options = BreakerOptions(
            failures=failures,
            minimum_calls=minimum,
            rate=rate,
            window=16.0,
            slow_call=slow_call,
            slow_fault=slow_fault,
            cooldown=8.0,
            max_cooldown=40.0,
            jitter=jitter,
            lease=12.0,
        )
        self.model = Model(self.options)
        self.told: list[tuple[State, State]] = []
        self.breaker = Breaker(
            self.options,
            clock=lambda: self.model.now,
            draw=lambda: self.model.draw,
            on_change=lambda old, new: self.told.append((old, new)),
        )
        self.calls: list[tuple[int, int]] = []

    @rule(force=st.booleans())
    def begin_call(self, force: bool) -> None:
        permit, expected = self.breaker.permit(force=force), self.model.ask(force)
        assert (permit is None) == (expected is None)
        if permit is not None and expected is not None:
            self.calls.append((permit, expected))

    @precondition(lambda self: self.calls)
    @rule(which=st.integers(0, 3), seconds=seconds, well=st.booleans())
    def end_call(self, which: int, seconds: float, well: bool) -> None:
        permit, expected = self.calls.pop(which % len(self.calls))
        if well:
            self.breaker.succeeded(permit, seconds)
            slow = self.options.slow_call is not None and seconds > self.options.slow_call
            self.model.hear(expected, FAULT if slow else ANSWER, slow=False)
        else:
            self.breaker.faulted(permit, seconds)
            slow = self.options.slow_fault is not None and seconds > self.options.slow_fault
            self.model.hear(expected, FAULT, slow=slow)

    @rule(seconds=seconds, outcomes=st.lists(st.booleans(), max_size=6))
    def call(self, seconds: float, outcomes: list[bool]) -> None:
        """Calls, one after the other, each over at once."""
        for well in outcomes:
            under_way = len(self.calls)
            self.begin_call(force=False)
            if len(self.calls) > under_way:
                self.end_call(under_way, seconds, well)

    @precondition(lambda self: self.calls)
    @rule(which=st.integers(0, 3))
    def tell_nothing(self, which: int) -> None:
        permit, expected = self.calls.pop(which % len(self.calls))
        self.breaker.abstained(permit)
        self.model.give_up(expected)

    @rule(seconds=st.sampled_from((0.5, 4.0, 8.0, 12.0, 16.0)))
    def wait(self, seconds: float) -> None:
        self.model.now += seconds

    @precondition(lambda self: self.model.now < self.model.refused_until < float("inf"))
    @rule()
    def wait_until_it_may_be_asked(self) -> None:
        self.model.now = self.model.refused_until

    @rule(draw=st.sampled_from((0.0, 0.5, 1.0)))
    def have_luck(self, draw: float) -> None:
        self.model.draw = draw

    @rule(what=st.sampled_from((*[None] * 7, "force_open", "close", "reset")))
    def intervene(self, what: str | None) -> None:
        if what is None:
            return  # As operators mostly do.
        getattr(self.breaker, what)()
        if what == "force_open":
            self.model.become("open", float("inf"))
        else:
            self.model.shut(forgets=what == "reset")

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        assert self.breaker.state == self.model.state
        assert self.breaker.refuses is not self.model.lets_through()
        left = max(0.0, self.model.refused_until - self.model.now)
        assert self.breaker.seconds_left == pytest.approx(left)
        assert self.told == self.model.changes


@pytest.mark.slow
def test_whatever_happens_it_is_as_the_model_says() -> None:
    chosen = settings(max_examples=settings().max_examples, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(BreakerMachine, settings=chosen)
