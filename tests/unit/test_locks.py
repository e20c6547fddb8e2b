"""One call at a time has a key, and nobody waits for one that is gone."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import queue
import signal
import subprocess
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from contextvars import Context, copy_context
from functools import partial
from types import FrameType
from typing import Any

import pytest

from fallback_storage import locks
from fallback_storage.locks import Key, KeyedLock, LockTimeout
from fallback_storage.resilience.bulkhead import Bulkhead

from .steps import Interrupt, Steps, calls, instructions, interrupted

PATIENCE = 60
A, B, HELD = (1, "a"), (1, "b"), (2, "a")
INSTRUCTIONS = instructions(locks, sys.modules[__name__])


class Name(str):
    """A name of which one can see that it is forgotten."""


class Caller:
    """A call like that of another thread: what it holds is known to its own context alone."""

    def __init__(self) -> None:
        self.context = Context()
        self._entered: list[AbstractContextManager[bool]] = []

    def enter(self, lock: KeyedLock, *keys: Key) -> None:
        held = lock.held(*keys, timeout=0)
        self.context.run(held.__enter__)
        self._entered.append(held)

    def leave(self) -> None:
        if self._entered:
            self.context.run(self._entered.pop().__exit__, None, None, None)


def is_free(lock: KeyedLock, key: Key) -> bool:
    caller = Caller()
    try:
        caller.enter(lock, key)
    except LockTimeout:
        return False
    caller.leave()
    return True


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once somebody waits for a key."""
    begun = threading.Event()

    class Gate(queue.SimpleQueue[Any]):
        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            begun.set()
            return super().get(block, timeout)

    monkeypatch.setattr(queue, "SimpleQueue", Gate)
    return begun


# Exclusive


def test_others_wait_for_a_key_and_not_for_another(
    elsewhere: ThreadPoolExecutor, waits: threading.Event
) -> None:
    lock, order = KeyedLock(), list[str]()

    def follow() -> None:
        with lock.held(A):
            order.append("second")

    with lock.held(A):
        followed = elsewhere.submit(follow)
        assert waits.wait(PATIENCE)
        assert is_free(lock, B)
        order.append("first")
    followed.result(PATIENCE)
    assert order == ["first", "second"]


def test_everybody_who_waits_gets_the_key(waits: threading.Event) -> None:
    lock, inside = KeyedLock(), list[int]()

    def work(number: int) -> int:
        with lock.held(A):
            inside.append(number)
            assert inside == [number]
            inside.remove(number)
            return number

    with ThreadPoolExecutor(8) as threads:
        with lock.held(A):
            done = threads.map(work, range(200))
            assert waits.wait(PATIENCE)
        assert list(done) == list(range(200))


def test_several_keys_are_taken_in_one_order(
    elsewhere: ThreadPoolExecutor, waits: threading.Event
) -> None:
    lock, first = KeyedLock(), Caller()
    first.enter(lock, A)

    def both() -> None:
        with lock.held(B, A, B):
            assert not is_free(lock, A)
            assert not is_free(lock, B)

    second = elsewhere.submit(both)
    assert waits.wait(PATIENCE)
    assert is_free(lock, B)  # It waits for A with nothing in its hands.
    first.leave()
    second.result(PATIENCE)


def test_a_key_that_is_not_given_back_in_time_is_not_entered() -> None:
    lock, other = KeyedLock(), Caller()
    other.enter(lock, A)
    message = r"Another call holds \(1, 'a'\)"
    with pytest.raises(LockTimeout, match=message), lock.held(A, B, timeout=0.001):
        pytest.fail("entered")
    other.leave()
    assert is_free(lock, A)
    assert is_free(lock, B)


def test_a_timeout_is_an_oserror_so_that_a_storage_which_waits_is_unreachable() -> None:
    assert issubclass(LockTimeout, TimeoutError)


@pytest.mark.parametrize("timeout", [None, 9e18])
def test_a_wait_can_be_without_limit(
    timeout: float | None, elsewhere: ThreadPoolExecutor, waits: threading.Event
) -> None:
    lock, other = KeyedLock(), Caller()
    other.enter(lock, A)

    def wait() -> str:
        with lock.held(A, timeout=timeout):
            return "entered"

    waiting = elsewhere.submit(wait)
    assert waits.wait(PATIENCE)
    other.leave()
    assert waiting.result(PATIENCE) == "entered"


@pytest.mark.parametrize("raises", [False, True])
def test_a_key_is_forgotten_when_nobody_uses_it(raises: bool) -> None:
    lock, name = KeyedLock(), Name("a")
    forgotten = weakref.ref(name)
    with suppress(ZeroDivisionError), lock.held((1, name)):
        assert raises / raises == 1
    del name
    assert forgotten() is None


# Reentrant


def test_a_call_does_not_wait_for_itself() -> None:
    lock = KeyedLock()
    with lock.held(A), lock.held(A, B, timeout=0):
        assert not is_free(lock, B)
    assert is_free(lock, A)


def test_a_call_is_told_whether_a_key_is_new_to_it() -> None:
    lock = KeyedLock()
    with lock.held(A) as is_new:
        assert is_new
        with lock.held(A) as is_new:
            assert not is_new
        with lock.held(A, B) as is_new:
            assert is_new


def test_a_call_that_goes_on_in_another_thread_does_not_wait_for_itself() -> None:
    """A storage with a deadline is read by a thread of its own, and may promote as well."""
    lock, pool = KeyedLock(), Bulkhead("inner", 1)

    def again() -> str:
        with lock.held(A, timeout=0):
            return "read"

    with lock.held(A):
        assert pool.run(again, PATIENCE) == "read"


def test_one_lock_knows_nothing_of_another() -> None:
    one, other = KeyedLock(), KeyedLock()
    caller = Caller()
    caller.enter(other, A)
    with one.held(A), pytest.raises(LockTimeout), other.held(A, timeout=0):
        pytest.fail("entered")


def part_of(caller: Caller) -> Caller:
    """Work that a call hands to another thread."""
    part = Caller()
    part.context = caller.context.run(copy_context)
    return part


def test_a_copied_context_lets_nobody_in_once_its_call_has_left() -> None:
    lock, call = KeyedLock(), Caller()
    call.enter(lock, A)
    part = part_of(call)
    call.leave()
    part.enter(lock, A)  # As anybody may.
    part.leave()
    other = Caller()
    other.enter(lock, A)
    with pytest.raises(LockTimeout):
        part.enter(lock, A)


def test_a_part_that_outlives_its_call_keeps_others_out() -> None:
    """A reader that gave up at its deadline leaves its thread at work, perhaps with an upload."""
    lock, call = KeyedLock(), Caller()
    call.enter(lock, A)
    part = part_of(call)
    part.enter(lock, A)
    call.leave()
    assert not is_free(lock, A)
    part.enter(lock, A)  # What holds a key may meet it again.
    part.leave()
    assert not is_free(lock, A)
    part.leave()
    assert is_free(lock, A)


def test_who_waits_for_such_a_part_is_told_when_it_ends(
    elsewhere: ThreadPoolExecutor, waits: threading.Event
) -> None:
    lock, call = KeyedLock(), Caller()
    call.enter(lock, A)
    part = part_of(call)
    part.enter(lock, A)
    call.leave()

    def follow() -> str:
        with lock.held(A):
            return "entered"

    follower = elsewhere.submit(follow)
    assert waits.wait(PATIENCE)
    part.leave()
    assert follower.result(PATIENCE) == "entered"


def test_a_call_may_leave_at_any_step_of_a_part_that_enters() -> None:
    for number in itertools.count(1):
        lock, call = KeyedLock(), Caller()
        call.enter(lock, A)
        part = part_of(call)
        if not calls(number, call.leave, lambda: part.enter(lock, A)):  # noqa: B023 - at once
            break
        assert not is_free(lock, A)
        part.leave()
        assert is_free(lock, A)


def test_a_call_may_leave_at_any_step_of_another_that_begins_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call = Caller()

    class Gate(queue.SimpleQueue[Any]):
        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            sys.setprofile(None)  # There is no further step.
            call.leave()
            return super().get(block, PATIENCE)

    monkeypatch.setattr(queue, "SimpleQueue", Gate)
    for number in itertools.count(1):
        lock = KeyedLock()
        call.enter(lock, A)
        if not calls(number, call.leave, partial(hold, lock, A)):
            break
        assert is_free(lock, A)


# Interrupts, and destructors


def hold(lock: KeyedLock, *keys: Key, timeout: float | None = None) -> None:
    with lock.held(*keys, timeout=timeout):
        pass


def hold_twice(lock: KeyedLock, *keys: Key) -> None:
    with lock.held(*keys):
        hold(lock, *keys)


def wait_in_vain(lock: KeyedLock, *keys: Key) -> None:
    with suppress(LockTimeout):
        hold(lock, *keys, HELD, timeout=0)


WORK = [hold, hold_twice, wait_in_vain]


@pytest.mark.parametrize("steps", [INSTRUCTIONS, calls])
@pytest.mark.parametrize("work", WORK)
def test_an_interrupt_at_any_step_leaves_every_key_free(
    work: Callable[..., None], steps: Steps
) -> None:
    lock, other = KeyedLock(), Caller()
    other.enter(lock, HELD)
    for number in itertools.count(1):
        more = interrupted(steps, number, partial(work, lock, A, B))
        assert is_free(lock, A)
        assert is_free(lock, B)
        if not more:
            break


def test_an_interrupt_at_any_step_does_not_leave_anybody_waiting(
    elsewhere: ThreadPoolExecutor, waits: threading.Event
) -> None:
    lock, followers = KeyedLock(), list[Future[None]]()

    def be_followed() -> None:
        with lock.held(A):
            followers.append(elsewhere.submit(hold, lock, A))
            waits.wait(PATIENCE)

    for number in itertools.count(1):
        waits.clear()
        more = interrupted(INSTRUCTIONS, number, be_followed)
        for follower in followers:
            follower.result(PATIENCE)
        if not more:
            break
    assert followers


@pytest.fixture
def interrupts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Counts by function the interrupts that signals raised in a lock, and in no test."""
    counted = Counter[str]()
    files = {locks.__file__, contextlib.__file__}

    def interrupt(_: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_code.co_filename in files:
            counted[frame.f_code.co_name] += 1
            raise Interrupt

    # One that comes while a generator is collected is reported, and goes no further.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    before = signal.signal(signal.SIGALRM, interrupt)
    yield counted
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


signals = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signal.setitimer")


@signals
def test_a_signal_ends_the_wait_for_a_key(interrupts: Counter[str]) -> None:
    lock, other = KeyedLock(), Caller()
    other.enter(lock, A)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    with pytest.raises(Interrupt):
        hold(lock, A)
    signal.setitimer(signal.ITIMER_REAL, 0)
    other.leave()
    assert is_free(lock, A)


def test_interrupts_at_every_step_leave_every_key_free(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise Interrupt

    lock = KeyedLock()
    with monkeypatch.context() as patch:
        patch.setattr(KeyedLock, "_leave", interrupt)  # As if each call of it were interrupted.
        with pytest.raises(Interrupt):
            hold(lock, A, B)
    assert is_free(lock, A)
    assert is_free(lock, B)


def test_who_was_not_told_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, call = KeyedLock(), Caller()

    class Gate(queue.SimpleQueue[Any]):
        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            call.leave()
            raise queue.Empty  # The time is over, and nothing was put.

    monkeypatch.setattr(queue, "SimpleQueue", Gate)
    call.enter(lock, A)
    hold(lock, A, timeout=PATIENCE)
    assert is_free(lock, A)


@signals
def test_a_storm_of_signals_leaves_every_key_free(interrupts: Counter[str]) -> None:
    lock = KeyedLock()
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    while interrupts.total() < 500:
        try:
            hold_twice(lock, A, B)
        except Interrupt:
            pass
    signal.setitimer(signal.ITIMER_REAL, 0)
    gc.collect()  # Two interrupts can leave a generator to be collected, and it leaves the lock.
    assert is_free(lock, A)
    assert is_free(lock, B)


@pytest.mark.parametrize("work", WORK)
def test_a_destructor_may_use_the_lock_at_any_step(work: Callable[..., None]) -> None:
    """Garbage may be collected anywhere, and what is collected may use the storage."""
    for number in itertools.count(1):
        lock, other = KeyedLock(), Caller()
        other.enter(lock, HELD)
        destructor = partial(hold, lock, A, B, timeout=0)
        if not INSTRUCTIONS(number, destructor, partial(work, lock, A, B)):
            break


# Forks

FORK = """
import ctypes, os, threading, warnings
from fallback_storage.locks import KeyedLock
warnings.simplefilter("ignore", DeprecationWarning)  # It has threads: that is the point.

lock = KeyedLock()
inside, may_leave = threading.Event(), threading.Event()

def hold():
    with lock.held((1, "a")):
        inside.set()
        may_leave.wait(60)

thread = threading.Thread(target=hold)
thread.start()
inside.wait(60)
with lock.held((1, "b")):
    child = {fork}()
    if not child:
        with lock.held((1, "a"), (1, "b"), timeout=0):
            pass
if not child:
    with lock.held((1, "a"), (1, "b"), timeout=0):
        os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
try:
    with lock.held((1, "a"), timeout=0):
        raise AssertionError("The child gave back what its parent holds.")
except TimeoutError:
    may_leave.set()
thread.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("fork", ["os.fork", "ctypes.PyDLL(None).fork"])
def test_in_a_forked_child_every_key_is_free(fork: str) -> None:
    """uWSGI forks as the second one does, without Python's hooks."""
    command = [sys.executable, "-W", "error", "-c", FORK.format(fork=fork)]
    assert subprocess.run(command, timeout=PATIENCE, check=True).returncode == 0
