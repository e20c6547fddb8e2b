"""The enumeration finds what it is for: toys that go wrong in one schedule only, and in none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from math import comb
from typing import Any

import pytest

from . import locks
from .actors import Parts, actor
from .enumeration import Enumeration, Found, NotDeterministicError, schedule_of, text_of
from .locks import TurnLock, TurnQueue
from .runs import Choose, Run
from .scenes import Verdict
from .stage import Stage, staged
from .steps import Step


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def step(what: str, do: Callable[[], Any] = lambda: None, **options: Any) -> Any:
    """Take a step that may change something."""
    me = actor()
    assert me is not None
    return me.step(Step(what, changes=True, **options), do)


@dataclass
class Toy:
    """What two actors share, who are made of a function each."""

    stage: Stage
    one: Callable[[Toy], Any]
    two: Callable[[Toy], Any]
    is_wrong: Callable[[Toy], bool] = lambda toy: False
    is_symmetric: bool = False
    kills: bool = True
    number: int = 0
    seen: list[str] = field(default_factory=list)
    one_lock: TurnLock = field(default_factory=TurnLock)
    other_lock: TurnLock = field(default_factory=TurnLock)

    def play(self, choose: Choose) -> Run:
        self.number, self.seen = 0, []
        parts: tuple[Parts, Parts] = ([lambda: self.one(self)], [lambda: self.two(self)])
        with self.stage.in_turns():
            return self.stage.play(parts, choose, kills=self.kills)

    def fingerprint(self) -> object:
        return self.number, tuple(self.seen)

    def judge(self, run: Run) -> Verdict:
        if run.why_ended is not None:
            return Verdict(type(run.why_ended).__name__)
        return Verdict("wrong" if self.is_wrong(self) else "", (str(self.fingerprint()),))


def found(toy: Toy, extras: str = "", *, merges: bool = True) -> Found:
    return Enumeration(toy, extras, merges=merges).run()


def add_one(toy: Toy) -> None:
    """Add one, as nobody should who is not alone."""
    number = step("read", lambda: toy.number)

    def write() -> None:
        toy.number = number + 1

    step("write", write)


def add_one_alone(toy: Toy) -> None:
    with toy.one_lock:
        add_one(toy)


def test_a_lost_update_is_found(stage: Stage) -> None:
    toy = Toy(stage, add_one, add_one, lambda toy: toy.number != 2)
    (violation,) = found(toy).violations.values()
    assert [f"{taken.actor} {taken.step}" for taken in violation.taken] == [
        *("A begins", "A read", "B begins", "B read", "B write", "A write")
    ]


def test_a_lock_keeps_updates(stage: Stage) -> None:
    toy = Toy(stage, add_one_alone, add_one_alone, lambda toy: toy.number != 2)
    assert not found(toy).violations


@pytest.mark.parametrize(("one", "two"), [(0, 0), (1, 3), (4, 4)])
def test_every_order_is_played(stage: Stage, one: int, two: int) -> None:
    def steps(number: int) -> Callable[[Toy], None]:
        def take(toy: Toy) -> None:
            for _ in range(number):
                step("step", lambda: toy.seen.append(actor().name))  # type: ignore[union-attr]

        return take

    schedules = found(Toy(stage, steps(one), steps(two)))
    assert schedules.schedules == comb(one + two + 2, one + 1)  # Each begins with a step as well.
    assert len(schedules.verdicts) == comb(one + two, one)


def test_what_is_merged_comes_to_the_same(stage: Stage) -> None:
    """Most orders differ in nothing that anybody could see."""

    def work(toy: Toy) -> None:
        for _ in range(3):
            step("look", lambda: None)
        add_one(toy)

    toy = Toy(stage, work, work, lambda toy: toy.number != 2)
    merged, all_of_them = found(toy), found(toy, merges=False)
    assert merged.verdicts == all_of_them.verdicts
    assert merged.schedules == all_of_them.schedules == all_of_them.runs
    assert merged.runs < all_of_them.runs / 10


def test_actors_who_wait_for_each_other_are_found(stage: Stage) -> None:
    def one(toy: Toy) -> None:
        with toy.one_lock, toy.other_lock:
            pass

    def two(toy: Toy) -> None:
        with toy.other_lock, toy.one_lock:
            pass

    assert list(found(Toy(stage, one, two)).violations) == ["Deadlock"]


def test_whoever_waits_for_nothing_is_found(stage: Stage) -> None:
    def wait(toy: Toy) -> None:
        TurnQueue().get()

    assert list(found(Toy(stage, wait, lambda toy: None)).violations) == ["Deadlock"]


def test_whoever_waits_for_ever_and_looks_now_and_then_is_found(stage: Stage) -> None:
    def wait(toy: Toy) -> None:
        while True:
            locks.sleep(1)

    assert list(found(Toy(stage, wait, wait)).violations) == ["Deadlock"]


@pytest.mark.parametrize("kills", [True, False])
def test_a_killed_process_does_nothing_more_and_an_interrupted_thread_does(
    stage: Stage, kills: bool
) -> None:
    def work(toy: Toy) -> None:
        try:
            step("first", lambda: toy.seen.append("first"))
            step("second", lambda: toy.seen.append("second"))
        finally:
            step("last", lambda: toy.seen.append("last"))

    toy = Toy(stage, work, lambda toy: None, kills=kills)
    seen = {eval(verdict.lines[0])[1] for verdict in found(toy, "x").verdicts}  # noqa: S307 - its own repr
    whole = ("first", "second", "last")
    if kills:
        assert seen == {whole[:length] for length in range(4)}
    else:
        assert seen == {(), ("last",), ("first", "last"), ("first", "second"), whole}


def test_a_full_disk_is_met_once(stage: Stage) -> None:
    def work(toy: Toy) -> None:
        for number in range(2):
            try:
                step(f"write {number}", takes_room=True)
            except OSError:
                toy.seen.append(f"{number} failed")

    toy = Toy(stage, work, lambda toy: None)
    seen = {verdict.lines[0] for verdict in found(toy, "f").verdicts}
    assert seen == {str((0, ())), str((0, ("0 failed",))), str((0, ("1 failed",)))}


def test_what_is_left_to_chance_is_noticed(stage: Stage) -> None:
    plays = count()

    def work(toy: Toy) -> None:
        step(f"step {next(plays)}")
        step("another step")

    toy = Toy(stage, work, add_one)
    with pytest.raises(NotDeterministicError):
        found(toy)


def test_a_schedule_is_written_and_read() -> None:
    schedule = ("A", "A", "A", "B", "Ax", "B", "B")
    assert text_of(schedule) == "A3,B,Ax,B2"
    assert schedule_of(text_of(schedule)) == schedule
    assert schedule_of("-") == ()


def test_a_violation_is_played_again(stage: Stage) -> None:
    toy = Toy(stage, add_one, add_one, lambda toy: toy.number != 2)
    (violation,) = found(toy).violations.values()
    again = Enumeration(toy).play(violation.schedule)
    assert again is not None
    assert list(again.lines()) == list(violation.lines())
