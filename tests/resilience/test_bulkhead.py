"""A backend's own threads: nobody waits longer than a deadline, and nothing is lost by that."""

from __future__ import annotations

import contextvars
import gc
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from fallback_storage.errors import BulkheadFull, DeadlineExceeded
from fallback_storage.resilience import bulkhead as module
from fallback_storage.resilience.bulkhead import Bulkhead
from fallback_storage.resilience.call import Call as QueuedCall
from fallback_storage.resilience.call import Recovery
from tests.resilience.instructions import disturbed_everywhere, interrupted_everywhere

SOON = 0.05
PATIENCE = 10.0


class Call:
    """A call that has begun, and does not end until it may; what it returns knows its end."""

    def __init__(self, *, ends_with: BaseException | None = None) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.closed = threading.Event()
        self.thread: threading.Thread | None = None
        self._error = ends_with

    def __call__(self) -> Call:
        self.thread = threading.current_thread()
        self.begun.set()
        assert self.may_end.wait(PATIENCE)
        if self._error is not None:
            raise self._error
        return self

    def close(self) -> None:
        self.closed.set()

    def end(self) -> None:
        """Let it end, for nobody waits for it, and wait until it has."""
        self.may_end.set()
        assert self.closed.wait(PATIENCE)


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    """Threads that wait for calls."""
    with ThreadPoolExecutor(32) as threads:
        yield threads


def stick(bulkhead: Bulkhead, call: Call | None = None) -> Call:
    """Let one of the threads be stuck."""
    call = call or Call()
    with pytest.raises(DeadlineExceeded):
        bulkhead.run(call, SOON)
    assert call.begun.is_set()
    return call


def begin(elsewhere: ThreadPoolExecutor, bulkhead: Bulkhead) -> tuple[Call, Future[Call]]:
    """Begin a call that somebody waits for without a deadline."""
    call = Call()
    answer = elsewhere.submit(bulkhead.run, call)
    assert call.begun.wait(PATIENCE)
    return call, answer


def thread_of(bulkhead: Bulkhead) -> threading.Thread:
    return bulkhead.run(threading.current_thread, PATIENCE)


# The deadline


def test_an_answer_in_time_is_the_answer() -> None:
    bulkhead = Bulkhead("a", 2)
    assert bulkhead.run(lambda: "answer", PATIENCE) == "answer"
    assert bulkhead.run(lambda: "answer") == "answer"
    assert thread_of(bulkhead).name == "fallback_storage a"
    assert thread_of(bulkhead).daemon


def test_nobody_waits_longer_than_the_deadline() -> None:
    bulkhead = Bulkhead("production", 2)
    call = Call()
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded) as error:
        bulkhead.run(call, SOON)
    assert SOON <= time.monotonic() - started < SOON + PATIENCE
    assert str(error.value) == "production has not answered within 0.05 s."
    assert not isinstance(error.value, BulkheadFull)
    call.end()


def test_a_thread_is_stuck_until_its_call_returns() -> None:
    bulkhead = Bulkhead("a", 2)
    first = stick(bulkhead)
    assert bulkhead.stuck == 1
    assert bulkhead.run(lambda: "answer", PATIENCE) == "answer"
    second = stick(bulkhead)
    assert bulkhead.stuck == 2
    first.end()
    assert bulkhead.stuck == 1
    assert bulkhead.run(lambda: "answer", PATIENCE) == "answer"
    second.end()
    assert bulkhead.stuck == 0


def test_a_file_that_comes_too_late_is_closed() -> None:
    call = stick(Bulkhead("a", 1))
    assert not call.closed.is_set()
    call.end()


def test_an_error_after_the_deadline_is_dropped() -> None:
    bulkhead = Bulkhead("a", 1, spare=1)
    call = stick(bulkhead, Call(ends_with=OSError("late")))
    call.may_end.set()
    assert call.thread is not None
    while bulkhead.stuck:  # It is about to.
        bulkhead.run(int, PATIENCE)
    assert bulkhead.run(lambda: "answer", PATIENCE) == "answer"


def test_an_answer_at_the_last_moment_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Call", LateCall)
    bulkhead = Bulkhead("a", 1)
    assert bulkhead.run(lambda: "answer", SOON) == "answer"
    assert bulkhead.stuck == 0


class LateCall(QueuedCall[Any]):
    """A call that ends just as the deadline passes."""

    def __init__(self, function: Callable[[], Any], recovery: Recovery, owner: object) -> None:
        super().__init__(function, recovery, owner)
        self.ended: Any = Late(self.ended)


class Late:
    """A lock that is free again, for who waits only so long, when the time is up."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self.release = lock.release

    def acquire(self, timeout: float = -1) -> bool:
        self._lock.acquire()
        if timeout >= 0:
            self._lock.release()
        return timeout < 0


# All threads stuck


def test_where_every_thread_is_stuck_the_answer_comes_at_once() -> None:
    bulkhead = Bulkhead("production", 2)
    calls = [stick(bulkhead), stick(bulkhead)]
    for seconds in (PATIENCE, None):
        with pytest.raises(DeadlineExceeded, match="production: every thread waits"):
            bulkhead.run(pytest.fail, seconds)
    calls[0].end()
    assert bulkhead.run(lambda: "answer", PATIENCE) == "answer"
    calls[1].end()


def test_who_waits_for_a_thread_as_the_last_one_gets_stuck_waits_no_longer(
    elsewhere: ThreadPoolExecutor,
) -> None:
    bulkhead = Bulkhead("a", 1)
    call = Call()
    overdue = elsewhere.submit(bulkhead.run, call, 0.5)
    assert call.begun.wait(PATIENCE)
    with pytest.raises(DeadlineExceeded, match="every thread waits"):
        bulkhead.run(pytest.fail, PATIENCE)
    assert isinstance(overdue.exception(PATIENCE), DeadlineExceeded)
    call.end()


def test_a_stuck_thread_is_replaced_by_a_spare_one_as_long_as_there_are_any() -> None:
    bulkhead = Bulkhead("a", 1, spare=2)
    calls = []
    for stuck in range(3):
        assert bulkhead.run(lambda: "answer", PATIENCE) == "answer"
        assert bulkhead.stuck == stuck
        calls.append(stick(bulkhead))
    with pytest.raises(DeadlineExceeded, match="every thread waits"):
        bulkhead.run(pytest.fail, PATIENCE)
    for call in calls:
        call.end()
    assert bulkhead.stuck == 0
    assert len({call.thread for call in calls}) == 3


def test_with_spare_threads_one_works_at_a_time_all_the_same(
    elsewhere: ThreadPoolExecutor,
) -> None:
    bulkhead = Bulkhead("a", 1, spare=2)
    stuck = stick(bulkhead)
    working, answer = begin(elsewhere, bulkhead)
    with pytest.raises(BulkheadFull):
        bulkhead.run(pytest.fail, SOON)
    stuck.end()
    with pytest.raises(BulkheadFull):
        bulkhead.run(pytest.fail, SOON)
    working.may_end.set()
    assert answer.result(PATIENCE) is working


def test_two_threads_do_not_take_the_place_of_the_same_stuck_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bulkhead = Bulkhead("a", 1, spare=1)
    call = stick(bulkhead)
    with monkeypatch.context() as patch:
        patch.setattr(QueuedCall, "replace", lambda call: False)  # Another one was faster.
        with pytest.raises(BulkheadFull):
            bulkhead.run(pytest.fail, SOON)
    assert bulkhead.run(lambda: "answer", PATIENCE) == "answer"
    call.end()


def test_a_call_that_its_caller_leaves_as_a_thread_takes_it_is_not_made() -> None:
    class LeftMeanwhile(deque[QueuedCall[Any]]):
        def popleft(self) -> QueuedCall[Any]:
            call = super().popleft()
            call.withdraw()
            return call

    bulkhead = Bulkhead("a", 1)
    thread = thread_of(bulkhead)
    workers = bulkhead._here()
    workers.waiting = LeftMeanwhile()
    with pytest.raises(BulkheadFull):
        bulkhead.run(pytest.fail, SOON)
    workers.waiting = deque()
    assert thread_of(bulkhead) is thread


# Waiting for a thread


def test_to_wait_for_a_thread_among_healthy_calls_is_no_fault(
    elsewhere: ThreadPoolExecutor,
) -> None:
    bulkhead = Bulkhead("a", 1)
    working, answer = begin(elsewhere, bulkhead)
    with pytest.raises(BulkheadFull, match=r"none of its 1 THREADS was free in time \(0.05 s\)"):
        bulkhead.run(pytest.fail, SOON)
    assert bulkhead.stuck == 0
    assert not bulkhead._here().waiting  # What nobody waits for is not kept.
    working.may_end.set()
    assert answer.result(PATIENCE) is working
    assert not working.closed.is_set()
    assert bulkhead.run(lambda: "answer", PATIENCE) == "answer"


def test_who_waits_for_a_thread_gets_it_in_turn(elsewhere: ThreadPoolExecutor) -> None:
    bulkhead = Bulkhead("a", 1)
    working, answer = begin(elsewhere, bulkhead)
    bulkhead._here().waiting = queue = Queue()
    made: list[int] = []
    later = []
    for number in range(20):
        later.append(elsewhere.submit(bulkhead.run, partial(made.append, number)))
        queue.wait_for(1)
    working.may_end.set()
    answer.result(PATIENCE)
    for each in later:
        each.result(PATIENCE)
    assert made == list(range(20))
    assert thread_of(bulkhead) is working.thread


class Queue(deque[QueuedCall[Any]]):
    """Tells of each call that begins to wait for a thread."""

    def __init__(self) -> None:
        self._there = threading.Semaphore(0)

    def append(self, call: QueuedCall[Any]) -> None:
        super().append(call)
        self._there.release()

    def wait_for(self, calls: int) -> None:
        for _ in range(calls):
            assert self._there.acquire(timeout=PATIENCE)


def test_the_silence_of_a_call_that_has_just_begun_says_nothing() -> None:
    now = [0.0]
    bulkhead = Bulkhead("a", 2, clock=lambda: now[0])
    call = Call()
    with pytest.raises(BulkheadFull):  # On its clock no time has passed since it began.
        bulkhead.run(call, SOON)
    assert bulkhead.stuck == 1
    call.end()

    def and_time_passes() -> Call:
        now[0] += SOON
        return call()

    call = Call()
    with pytest.raises(DeadlineExceeded) as error:
        bulkhead.run(and_time_passes, SOON)
    assert type(error.value) is DeadlineExceeded
    call.end()


# Which thread


def test_there_are_as_many_threads_as_it_says_and_no_more(elsewhere: ThreadPoolExecutor) -> None:
    bulkhead = Bulkhead("a", 3)
    together = threading.Barrier(3, timeout=PATIENCE)
    at_once = threading.Semaphore(3)
    threads: set[threading.Thread] = set()

    def call() -> None:
        assert at_once.acquire(blocking=False)
        together.wait()
        threads.add(threading.current_thread())
        together.wait()
        at_once.release()
        together.wait()

    for each in [elsewhere.submit(bulkhead.run, call) for _ in range(30)]:
        each.result(PATIENCE)
    assert len(threads) == 3


def test_no_thread_is_started_before_it_is_needed() -> None:
    bulkhead = Bulkhead("a", 8)
    assert len({thread_of(bulkhead) for _ in range(20)}) == 1


def test_the_thread_that_became_idle_last_is_taken_first(elsewhere: ThreadPoolExecutor) -> None:
    bulkhead = Bulkhead("a", 3)
    begun = [begin(elsewhere, bulkhead) for _ in range(3)]
    for index in (1, 2, 0):
        call, answer = begun[index]
        call.may_end.set()
        answer.result(PATIENCE)
    threads = [call.thread for call, _ in begun]
    assert thread_of(bulkhead) is threads[0]
    assert thread_of(bulkhead) is threads[0]
    for index in (0, 2, 1):
        call, answer = begin(elsewhere, bulkhead)
        begun.append((call, answer))
        assert call.thread is threads[index]
    for call, answer in begun:
        call.may_end.set()
        answer.result(PATIENCE)


def test_a_thread_that_is_woken_for_several_calls_wakes_others(
    elsewhere: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulkhead = Bulkhead("a", 2)
    begun = [begin(elsewhere, bulkhead) for _ in range(2)]
    for call, answer in begun:
        call.may_end.set()
        answer.result(PATIENCE)
    calls = [Call(), Call()]
    with monkeypatch.context() as patch:
        # The thread that it wakes is awake already, and still counts as idle.
        patch.setattr(bulkhead._here(), "wake", lambda: None)
        answers = [bulkhead.offer(calls[0])]
    answers.append(bulkhead.offer(calls[1]))
    for call in calls:
        assert call.begun.wait(PATIENCE)
    for call, offered in zip(calls, answers, strict=True):
        call.may_end.set()
        assert offered() is call


def test_a_thread_that_was_replaced_goes_if_it_is_one_too_many(
    elsewhere: ThreadPoolExecutor,
) -> None:
    bulkhead = Bulkhead("a", 1, spare=1)
    stuck = stick(bulkhead)
    working, answer = begin(elsewhere, bulkhead)
    stuck.end()
    assert stuck.thread is not None
    stuck.thread.join(PATIENCE)
    assert not stuck.thread.is_alive()
    working.may_end.set()
    answer.result(PATIENCE)
    assert thread_of(bulkhead) is working.thread


# What travels


def test_context_variables_travel_and_do_not_come_back() -> None:
    tenant = contextvars.ContextVar("tenant", default="nobody")
    bulkhead = Bulkhead("a", 1)

    def see() -> str:
        seen = tenant.get()
        tenant.set("changed")
        return seen

    assert bulkhead.run(see) == "nobody"
    tenant.set("acme")
    assert bulkhead.run(see) == "acme"
    assert tenant.get() == "acme"


@pytest.mark.parametrize("kind", [OSError, ValueError, SystemExit, KeyboardInterrupt])
def test_whatever_the_call_raises_is_raised(kind: type[BaseException]) -> None:
    bulkhead = Bulkhead("a", 1)
    thread = thread_of(bulkhead)
    error = kind("as it is")

    def fail() -> None:
        raise error

    for seconds in (PATIENCE, None):
        with pytest.raises(kind) as raised:
            bulkhead.run(fail, seconds)
        assert raised.value is error
    assert thread_of(bulkhead) is thread
    assert bulkhead.stuck == 0


def test_an_error_and_what_it_holds_can_be_garbage_at_once() -> None:
    bulkhead = Bulkhead("a", 1)

    class Held:
        pass

    gone = threading.Event()

    def fail() -> None:
        held = Held()
        weakref.finalize(held, gone.set)
        raise ValueError

    gc.disable()
    try:
        try:
            bulkhead.run(fail)
        except ValueError:
            pass
        assert gone.wait(PATIENCE)
    finally:
        gc.enable()


# Recovery


class Log:
    """What a recovery was asked for, and in which thread."""

    def __init__(self, *, error: Exception | None = None) -> None:
        self.done: list[str] = []
        self.threads: list[threading.Thread] = []
        self._error = error

    def recovery(self) -> Recovery:
        return Recovery(lambda: self._log("after error"), lambda: self._log("give up"))

    def _log(self, what: str) -> None:
        self.done.append(what)
        self.threads.append(threading.current_thread())
        if self._error is not None:
            raise self._error


def fail() -> None:
    raise OSError("The connection is lost.")


@pytest.mark.parametrize("broken", [None, RuntimeError("The recovery fails too.")])
def test_after_an_error_the_client_is_made_usable_by_the_thread_that_uses_it(
    broken: Exception | None,
) -> None:
    bulkhead, log = Bulkhead("a", 1), Log(error=broken)
    assert bulkhead.run(lambda: "answer", PATIENCE, log.recovery()) == "answer"
    assert log.done == []
    with pytest.raises(OSError, match="lost"):
        bulkhead.run(fail, PATIENCE, log.recovery())
    assert log.done == ["after error"]
    assert log.threads == [thread_of(bulkhead)]


@pytest.mark.parametrize("broken", [None, RuntimeError("The recovery fails too.")])
def test_what_a_stuck_call_holds_is_given_up_before_the_next_one(
    broken: Exception | None, elsewhere: ThreadPoolExecutor
) -> None:
    bulkhead, log = Bulkhead("a", 1, spare=1), Log(error=broken)
    call = Call(ends_with=OSError("The connection is lost."))
    overdue = elsewhere.submit(bulkhead.run, call, 0.5, log.recovery())
    assert call.begun.wait(PATIENCE)
    assert bulkhead.run(lambda: log.done[:], PATIENCE) == ["give up"]
    assert isinstance(overdue.exception(PATIENCE), DeadlineExceeded)
    call.may_end.set()
    assert call.thread is not None
    call.thread.join(SOON)
    assert log.done == ["give up"]  # The next one uses it by now.


def test_nothing_is_given_up_for_a_call_that_was_not_made(elsewhere: ThreadPoolExecutor) -> None:
    bulkhead, log = Bulkhead("a", 1), Log()
    working, answer = begin(elsewhere, bulkhead)
    with pytest.raises(BulkheadFull):
        bulkhead.run(pytest.fail, SOON, log.recovery())
    assert log.done == []
    working.may_end.set()
    answer.result(PATIENCE)


# Interrupted


class TimeLimit(BaseException):
    """What a worker raises in a task that takes too long."""


@pytest.fixture
def interrupt() -> Iterator[Callable[[], None]]:
    """Interrupts the main thread, as a worker's time limit and Ctrl-C do."""

    happened = threading.Event()

    def interrupted(*_: object) -> None:
        if not happened.is_set():
            happened.set()
            raise TimeLimit

    def interrupt() -> None:
        # Again and again: one that comes just before a thread begins to wait does not wake it.
        assert main is not None
        while not happened.is_set():
            signal.pthread_kill(main, signal.SIGUSR1)
            happened.wait(SOON)

    before = signal.signal(signal.SIGUSR1, interrupted)
    main = threading.main_thread().ident
    yield interrupt
    signal.signal(signal.SIGUSR1, before)


def test_who_is_interrupted_in_a_read_leaves_the_call_to_itself(
    interrupt: Callable[[], None],
) -> None:
    bulkhead, call = Bulkhead("a", 1, spare=1), Call()

    def call_and_interrupt() -> Call:
        interrupt()
        return call()

    with pytest.raises(TimeLimit):
        bulkhead.run(call_and_interrupt, PATIENCE)
    assert call.begun.wait(PATIENCE)
    assert bulkhead.stuck == 1
    assert bulkhead.run(lambda: "answer", PATIENCE) == "answer"
    call.end()
    assert bulkhead.stuck == 0


def test_who_is_interrupted_while_waiting_for_a_thread_asks_for_nothing(
    elsewhere: ThreadPoolExecutor, interrupt: Callable[[], None]
) -> None:
    bulkhead = Bulkhead("a", 1)
    working, answer = begin(elsewhere, bulkhead)
    bulkhead._here().waiting = queue = Queue()

    def interrupt_who_waits() -> None:
        queue.wait_for(1)
        interrupt()

    interrupter = elsewhere.submit(interrupt_who_waits)
    with pytest.raises(TimeLimit):
        bulkhead.run(pytest.fail)
    interrupter.result(PATIENCE)
    working.may_end.set()
    answer.result(PATIENCE)
    assert bulkhead.run(lambda: "answer", PATIENCE) == "answer"
    assert bulkhead.stuck == 0


def test_a_recovery_that_is_interrupted_costs_no_thread() -> None:
    bulkhead = Bulkhead("a", 1, spare=1)

    def interrupted() -> None:
        raise TimeLimit

    call = Call()
    with pytest.raises(TimeLimit):
        bulkhead.run(call, SOON, Recovery(give_up=interrupted))
    assert bulkhead.run(lambda: "answer", PATIENCE) == "answer"
    call.end()


# Threads, processes and their ends


def test_where_the_system_has_no_thread_left_everybody_is_told(
    monkeypatch: pytest.MonkeyPatch, elsewhere: ThreadPoolExecutor
) -> None:
    bulkhead = Bulkhead("a", 1, spare=1)
    call = Call()
    overdue = elsewhere.submit(bulkhead.run, call, 0.5)
    assert call.begun.wait(PATIENCE)
    bulkhead._here().waiting = queue = Queue()
    others = [elsewhere.submit(bulkhead.run, pytest.fail) for _ in range(3)]
    queue.wait_for(3)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        assert isinstance(overdue.exception(PATIENCE), DeadlineExceeded)
        for other in others:
            with pytest.raises(BulkheadFull, match="no thread could be started"):
                other.result(PATIENCE)
    assert bulkhead.run(lambda: "answer", PATIENCE) == "answer"
    call.end()


def test_where_the_system_has_no_thread_left_a_call_waits_for_those_there_are(
    monkeypatch: pytest.MonkeyPatch, elsewhere: ThreadPoolExecutor
) -> None:
    bulkhead = Bulkhead("a", 2)
    working, answer = begin(elsewhere, bulkhead)
    bulkhead._here().waiting = queue = Queue()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        offered = bulkhead.offer(threading.current_thread)
        queue.wait_for(1)
    working.may_end.set()
    answer.result(PATIENCE)
    assert offered() in {working.thread, threading.current_thread()}


def no_thread(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_stuck_thread_goes_when_it_can_where_nobody_can_ask_any_more() -> None:
    bulkhead = Bulkhead("a", 2)
    stuck = stick(bulkhead)
    assert stuck.thread is not None
    del bulkhead
    gc.collect()
    stuck.end()
    stuck.thread.join(PATIENCE)
    assert not stuck.thread.is_alive()


def test_idle_threads_go_when_nobody_can_ask_them_any_more(
    elsewhere: ThreadPoolExecutor,
) -> None:
    bulkhead = Bulkhead("a", 2)
    begun = [begin(elsewhere, bulkhead) for _ in range(2)]
    for call, answer in begun:
        call.may_end.set()
        answer.result(PATIENCE)
    threads = [call.thread for call, _ in begun]
    del bulkhead, answer
    begun.clear()
    elsewhere.shutdown()
    gc.collect()
    for thread in threads:
        assert thread is not None
        thread.join(PATIENCE)
        assert not thread.is_alive()


INTERRUPTED = """
import signal, threading
from fallback_storage.resilience.bulkhead import Bulkhead

class TimeLimit(Exception):
    pass

def limit(*_):
    if left:
        left.pop()
        raise TimeLimit

signal.signal(signal.SIGUSR1, limit)
bulkhead, done, left = Bulkhead("a", 1), [], [None] * INTERRUPTS
begun, may_end = threading.Event(), threading.Event()

def write():
    begun.set()
    may_end.wait(10)
    done.append("whole")

def interrupt():
    begun.wait(10)
    while left:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
        threading.Event().wait(0.05)
    if INTERRUPTS == 1:
        may_end.set()

threading.Thread(target=interrupt).start()
try:
    bulkhead.run(write)
except TimeLimit:
    print(done, bulkhead.stuck)
"""

FORK = """
import os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # It has threads: that is the point.
from fallback_storage.resilience.bulkhead import Bulkhead

bulkhead = Bulkhead("a", 1)
first = bulkhead.run(threading.current_thread, 10)
hold = threading.Event()
threading.Thread(target=bulkhead.run, args=(hold.wait,), daemon=True).start()
child = os.fork()
if not child:
    threads = {bulkhead.run(threading.current_thread, 10) for _ in range(9)}
    sys.exit(0 if len(threads) == 1 and first not in threads else 1)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
hold.set()
assert bulkhead.run(threading.current_thread, 10) is first
sys.exit(status)
"""

STUCK_AT_EXIT = """
import threading
from fallback_storage.resilience.bulkhead import Bulkhead
from fallback_storage.errors import DeadlineExceeded

bulkhead = Bulkhead("a", 2)
for _ in range(2):
    try:
        bulkhead.run(threading.Event().wait, 0.05)
    except DeadlineExceeded:
        print(bulkhead.stuck)
"""


def run(script: str) -> str:
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, timeout=30, check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout


def test_a_forked_process_has_threads_of_its_own_whatever_its_parent_does() -> None:
    run(FORK)


def test_a_stuck_thread_does_not_hold_up_the_interpreter_s_exit() -> None:
    assert run(STUCK_AT_EXIT) == "1\n2\n"


LIBC_FORK = """
import ctypes, os, threading
from fallback_storage.errors import DeadlineExceeded
from fallback_storage.resilience.bulkhead import Bulkhead

bulkhead = Bulkhead("a", 1)
first = bulkhead.run(threading.current_thread, 10)
idle = Bulkhead("b", 1)
idle.run(int)
try:
    bulkhead.run(threading.Event().wait, 0.05)
except DeadlineExceeded:
    # As uWSGI forks: nothing of Python's is told of it.
    child = ctypes.PyDLL(None).fork()
if not child:
    threads = {bulkhead.run(threading.current_thread, 10) for _ in range(9)}
    threads.add(bulkhead.run(threading.current_thread))
    is_well = len(threads) == 1 and first not in threads and idle.run(lambda: True, 10)
    assert list(bulkhead._workers) == [os.getpid()]  # What its parent had is forgotten.
    os._exit(0 if is_well and not bulkhead.stuck else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), bulkhead.stuck)
"""

NO_FORK = """
import os
del os.fork, os.register_at_fork  # As on Windows.
import fallback_storage.resilience.guard
from fallback_storage.resilience.parallel import in_parallel
print(in_parallel([lambda: 1, lambda: 2]))
"""

FINALIZING = """
from fallback_storage.resilience.bulkhead import Bulkhead

class File:
    def __init__(self):
        self.bulkhead = Bulkhead("a", 1)
        self.bulkhead.run(int)

    def __del__(self):
        print(self.bulkhead.run(lambda: "closed"))

file = File()
"""


def test_a_process_that_was_forked_without_python_s_hooks_has_threads_of_its_own() -> None:
    assert run(LIBC_FORK) == "0 1\n"


def test_where_python_cannot_fork_it_works_all_the_same() -> None:
    assert run(NO_FORK) == "[1, 2]\n"


def test_a_call_made_at_the_interpreter_s_exit_waits_for_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run(FINALIZING) == "closed\n"
    monkeypatch.setattr(module, "sys", SimpleNamespace(is_finalizing=lambda: True))
    assert thread_of(Bulkhead("a", 1)) is threading.current_thread()


def test_who_is_interrupted_in_a_write_waits_for_its_end() -> None:
    """What it reads would be closed under it, and half of it stored."""
    assert run(INTERRUPTED.replace("INTERRUPTS", "1")) == "['whole'] 0\n"


def test_who_is_interrupted_twice_in_a_write_leaves_it_to_itself() -> None:
    assert run(INTERRUPTED.replace("INTERRUPTS", "2")) == "[] 1\n"


# Offered


def test_a_call_that_is_offered_is_made_by_a_free_thread(elsewhere: ThreadPoolExecutor) -> None:
    bulkhead = Bulkhead("a", 2)
    working, answer = begin(elsewhere, bulkhead)
    call = Call()
    offered = bulkhead.offer(call)
    assert call.begun.wait(PATIENCE)
    call.may_end.set()
    assert offered() is call
    assert call.thread is not threading.current_thread()
    working.may_end.set()
    answer.result(PATIENCE)


def test_a_call_that_is_offered_while_no_thread_is_free_is_made_by_who_needs_it(
    elsewhere: ThreadPoolExecutor,
) -> None:
    bulkhead = Bulkhead("a", 1)
    working, answer = begin(elsewhere, bulkhead)
    offered = bulkhead.offer(threading.current_thread)
    assert offered() is threading.current_thread()
    working.may_end.set()
    answer.result(PATIENCE)
    assert thread_of(bulkhead) is working.thread


def test_calls_that_are_offered_within_offered_calls_wait_for_no_thread() -> None:
    bulkhead = Bulkhead("a", 2)

    def nested(depth: int) -> int:
        if not depth:
            return 1
        offered = [bulkhead.offer(partial(nested, depth - 1)) for _ in range(3)]
        return sum(each() for each in offered)

    assert nested(4) == 81


def test_a_call_that_is_offered_raises_what_it_raises_when_it_is_waited_for() -> None:
    offered = Bulkhead("a", 1).offer(fail)
    with pytest.raises(OSError, match="lost"):
        offered()


# At any instruction


class Rig:
    """A bulkhead of one thread, and a call that does not end until it may."""

    def __init__(self, *, spare: int = 0, is_warm: bool = True) -> None:
        self.bulkhead = Bulkhead("a", 1, spare=spare)
        self.may_end = threading.Event()
        self.is_over = threading.Event()
        if is_warm:
            thread_of(self.bulkhead)

    def hang(self) -> Rig:
        assert self.may_end.wait(PATIENCE)
        return self

    def close(self) -> None:
        self.is_over.set()

    def overdue(self) -> None:
        with suppress(DeadlineExceeded):
            self.bulkhead.run(self.hang, 0.002)

    def write(self) -> None:
        assert self.bulkhead.run(lambda: "written") == "written"

    def read(self) -> None:
        assert self.bulkhead.run(lambda: "answer", PATIENCE) == "answer"

    def read_in_haste(self) -> None:
        with suppress(DeadlineExceeded):
            self.bulkhead.run(lambda: "answer", 0.002)

    def fail(self) -> None:
        with suppress(OSError):
            self.bulkhead.run(fail, PATIENCE)

    def offer(self) -> None:
        assert self.bulkhead.offer(lambda: "answer")() == "answer"

    def is_in_order(self) -> bool:
        """Whether one thread makes one call after the other, and nobody is stuck."""
        self.may_end.set()
        if self.bulkhead.stuck:
            assert self.is_over.wait(PATIENCE)
        working: list[int] = []

        def work() -> int:
            working.append(1)
            together = len(working)
            working.pop()
            return together

        with ThreadPoolExecutor(3) as callers:
            answers = [callers.submit(self.bulkhead.run, work, PATIENCE) for _ in range(6)]
            at_once = {answer.result(PATIENCE) for answer in answers}
        assert thread_of(self.bulkhead) is thread_of(self.bulkhead)
        return at_once == {1} and not self.bulkhead.stuck and not self.bulkhead._here().waiting


ACTS: dict[str, tuple[Callable[[], Rig], Callable[[Rig], object]]] = {
    "read": (Rig, Rig.read),
    "write": (Rig, Rig.write),
    "first call": (partial(Rig, is_warm=False), Rig.read),
    "failing call": (Rig, Rig.fail),
    "overdue call": (Rig, Rig.overdue),
    "replaced call": (partial(Rig, spare=1), Rig.overdue),
    "offered call": (Rig, Rig.offer),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_caller_interrupted_at_any_instruction_leaves_all_in_order(act: str) -> None:
    for rig in interrupted_everywhere(*ACTS[act]):
        assert rig.is_in_order()


@pytest.mark.parametrize("act", ACTS)
def test_garbage_collected_at_any_instruction_of_a_caller_may_call(act: str) -> None:
    begin, call = ACTS[act]
    disturb = Rig.read_in_haste if call is Rig.overdue else Rig.write
    for rig in disturbed_everywhere(begin, call, disturb):
        assert rig.is_in_order()
