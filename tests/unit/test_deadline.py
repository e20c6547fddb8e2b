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
from functools import partial
from typing import Any

import pytest

from fallback_storage.errors import DeadlineExceeded, NoThreadFree
from fallback_storage.resilience import deadline
from fallback_storage.resilience.crew import Job, Rescue
from fallback_storage.resilience.deadline import Pool

SOON = 0.05
PATIENCE = 60.0


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


def stick(pool: Pool, call: Call | None = None) -> Call:
    """Let one of the threads be stuck."""
    call = call or Call()
    with pytest.raises(DeadlineExceeded):
        pool.run(call, SOON)
    assert call.begun.wait(PATIENCE)
    return call


def begin(elsewhere: ThreadPoolExecutor, pool: Pool) -> tuple[Call, Future[Call]]:
    """Begin a call that somebody waits for without a deadline."""
    call = Call()
    answer = elsewhere.submit(pool.run, call)
    assert call.begun.wait(PATIENCE)
    return call, answer


def thread_of(pool: Pool) -> threading.Thread:
    return pool.run(threading.current_thread, PATIENCE)


# The deadline


def test_an_answer_in_time_is_the_answer() -> None:
    pool = Pool("a", 2)
    assert pool.run(lambda: "answer", PATIENCE) == "answer"
    assert pool.run(lambda: "answer") == "answer"
    assert thread_of(pool).name == "fallback_storage a"
    assert thread_of(pool).daemon


def test_nobody_waits_longer_than_the_deadline() -> None:
    pool = Pool("production", 2)
    call = Call()
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded) as error:
        pool.run(call, SOON)
    assert time.monotonic() - started >= SOON
    assert pool.stuck == 1  # Nobody let it end: it was not waited for.
    assert str(error.value) == "production has not answered within 0.05 s."
    assert not isinstance(error.value, NoThreadFree)
    call.end()


def test_a_thread_is_stuck_until_its_call_returns() -> None:
    pool = Pool("a", 2)
    first = stick(pool)
    assert pool.stuck == 1
    assert pool.run(lambda: "answer", PATIENCE) == "answer"
    second = stick(pool)
    assert pool.stuck == 2
    first.end()
    assert pool.stuck == 1
    assert pool.run(lambda: "answer", PATIENCE) == "answer"
    second.end()
    assert pool.stuck == 0


def test_a_file_that_comes_too_late_is_closed() -> None:
    call = stick(Pool("a", 1))
    assert not call.closed.is_set()
    call.end()


def test_an_error_that_comes_too_late_is_nobody_s() -> None:
    pool = Pool("a", 1, spare=1)
    call = stick(pool, Call(ends_with=OSError("late")))
    call.may_end.set()
    assert call.thread is not None
    while pool.stuck:  # It is about to.
        pool.run(int, PATIENCE)
    assert pool.run(lambda: "answer", PATIENCE) == "answer"


def test_an_answer_at_the_last_moment_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = Job.wait

    def wait_too_long(job: Job[Any], seconds: float | None) -> bool:
        wait(job, None)
        return False

    monkeypatch.setattr(Job, "wait", wait_too_long)
    pool = Pool("a", 1)
    assert pool.run(lambda: "answer", SOON) == "answer"
    assert pool.stuck == 0


# All threads stuck


def test_where_every_thread_is_stuck_the_answer_comes_at_once() -> None:
    pool = Pool("production", 2)
    calls = [stick(pool), stick(pool)]
    for seconds in (PATIENCE, None):
        with pytest.raises(DeadlineExceeded, match="production: every thread waits"):
            pool.run(pytest.fail, seconds)
    calls[0].end()
    assert pool.run(lambda: "answer", PATIENCE) == "answer"
    calls[1].end()


def test_who_waits_for_a_thread_as_the_last_one_gets_stuck_waits_no_longer(
    elsewhere: ThreadPoolExecutor,
) -> None:
    pool = Pool("a", 1)
    call = Call()
    overdue = elsewhere.submit(pool.run, call, 0.5)
    assert call.begun.wait(PATIENCE)
    with pytest.raises(DeadlineExceeded, match="every thread waits"):
        pool.run(pytest.fail, PATIENCE)
    assert isinstance(overdue.exception(PATIENCE), DeadlineExceeded)
    call.end()


def test_a_stuck_thread_is_replaced_by_a_spare_one_as_long_as_there_are_any() -> None:
    pool = Pool("a", 1, spare=2)
    calls = []
    for stuck in range(3):
        assert pool.run(lambda: "answer", PATIENCE) == "answer"
        assert pool.stuck == stuck
        calls.append(stick(pool))
    with pytest.raises(DeadlineExceeded, match="every thread waits"):
        pool.run(pytest.fail, PATIENCE)
    for call in calls:
        call.end()
    assert pool.stuck == 0
    assert len({call.thread for call in calls}) == 3


def test_with_spare_threads_one_works_at_a_time_all_the_same(
    elsewhere: ThreadPoolExecutor,
) -> None:
    pool = Pool("a", 1, spare=2)
    stuck = stick(pool)
    working, answer = begin(elsewhere, pool)
    with pytest.raises(NoThreadFree):
        pool.run(pytest.fail, SOON)
    stuck.end()
    with pytest.raises(NoThreadFree):
        pool.run(pytest.fail, SOON)
    working.may_end.set()
    assert answer.result(PATIENCE) is working


# Waiting for a thread


def test_to_wait_for_a_thread_among_healthy_calls_is_no_fault(
    elsewhere: ThreadPoolExecutor,
) -> None:
    pool = Pool("a", 1)
    working, answer = begin(elsewhere, pool)
    with pytest.raises(NoThreadFree, match=r"none of its 1 THREADS was free in time \(0.05 s\)"):
        pool.run(pytest.fail, SOON)
    assert pool.stuck == 0
    working.may_end.set()
    assert answer.result(PATIENCE) is working
    assert not working.closed.is_set()
    assert pool.run(lambda: "answer", PATIENCE) == "answer"


def test_who_waits_for_a_thread_gets_it_in_turn(elsewhere: ThreadPoolExecutor) -> None:
    pool = Pool("a", 1)
    working, answer = begin(elsewhere, pool)
    pool.crew._waiting = queue = Queue()
    made: list[int] = []
    later = []
    for number in range(20):
        later.append(elsewhere.submit(pool.run, partial(made.append, number)))
        queue.wait_for(1)
    working.may_end.set()
    answer.result(PATIENCE)
    for each in later:
        each.result(PATIENCE)
    assert made == list(range(20))
    assert thread_of(pool) is working.thread


class Queue(deque[Job[Any]]):
    """Tells of each job that begins to wait for a thread."""

    def __init__(self) -> None:
        self._there = threading.Semaphore(0)

    def append(self, job: Job[Any]) -> None:
        super().append(job)
        self._there.release()

    def wait_for(self, jobs: int) -> None:
        for _ in range(jobs):
            assert self._there.acquire(timeout=PATIENCE)


def test_the_silence_of_a_call_that_has_just_begun_says_nothing() -> None:
    now = [0.0]
    pool = Pool("a", 2, clock=lambda: now[0])
    call = Call()
    with pytest.raises(NoThreadFree):  # On its clock no time has passed since it began.
        pool.run(call, SOON)
    assert pool.stuck == 1
    call.end()

    def and_time_passes() -> Call:
        now[0] += 1.0
        return call()

    call = Call()
    with pytest.raises(DeadlineExceeded) as error:
        pool.run(and_time_passes, 1.0)  # Long enough for it to begin.
    assert type(error.value) is DeadlineExceeded
    call.end()


# Which thread


def test_there_are_as_many_threads_as_it_says_and_no_more(elsewhere: ThreadPoolExecutor) -> None:
    pool = Pool("a", 3)
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

    for each in [elsewhere.submit(pool.run, call) for _ in range(30)]:
        each.result(PATIENCE)
    assert len(threads) == 3


def test_no_thread_is_started_before_it_is_needed() -> None:
    pool = Pool("a", 8)
    assert len({thread_of(pool) for _ in range(20)}) == 1


def test_the_thread_that_became_idle_last_is_taken_first(elsewhere: ThreadPoolExecutor) -> None:
    pool = Pool("a", 3)
    begun = [begin(elsewhere, pool) for _ in range(3)]
    for index in (1, 2, 0):
        call, answer = begun[index]
        call.may_end.set()
        answer.result(PATIENCE)
    threads = [call.thread for call, _ in begun]
    assert thread_of(pool) is threads[0]
    assert thread_of(pool) is threads[0]
    for index in (0, 2, 1):
        call, answer = begin(elsewhere, pool)
        begun.append((call, answer))
        assert call.thread is threads[index]
    for call, answer in begun:
        call.may_end.set()
        answer.result(PATIENCE)


def test_a_thread_that_was_replaced_goes_if_it_is_one_too_many(
    elsewhere: ThreadPoolExecutor,
) -> None:
    pool = Pool("a", 1, spare=1)
    stuck = stick(pool)
    working, answer = begin(elsewhere, pool)
    stuck.end()
    assert stuck.thread is not None
    stuck.thread.join(PATIENCE)
    assert not stuck.thread.is_alive()
    working.may_end.set()
    answer.result(PATIENCE)
    assert thread_of(pool) is working.thread


# What travels


def test_context_variables_travel_and_do_not_come_back() -> None:
    tenant = contextvars.ContextVar("tenant", default="nobody")
    pool = Pool("a", 1)

    def see() -> str:
        seen = tenant.get()
        tenant.set("changed")
        return seen

    assert pool.run(see) == "nobody"
    tenant.set("acme")
    assert pool.run(see) == "acme"
    assert tenant.get() == "acme"


@pytest.mark.parametrize("kind", [OSError, ValueError, SystemExit, KeyboardInterrupt])
def test_whatever_the_call_raises_is_raised(kind: type[BaseException]) -> None:
    pool = Pool("a", 1)
    thread = thread_of(pool)
    error = kind("as it is")

    def fail() -> None:
        raise error

    for seconds in (PATIENCE, None):
        with pytest.raises(kind) as raised:
            pool.run(fail, seconds)
        assert raised.value is error
    assert thread_of(pool) is thread
    assert pool.stuck == 0


def test_an_error_and_what_it_holds_can_be_garbage_at_once() -> None:
    pool = Pool("a", 1)

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
            pool.run(fail)
        except ValueError:
            pass
        assert gone.wait(PATIENCE)
    finally:
        gc.enable()


# Rescue


class Log:
    """What a rescue was asked for, and in which thread."""

    def __init__(self, *, error: Exception | None = None) -> None:
        self.done: list[str] = []
        self.threads: list[threading.Thread] = []
        self._error = error

    def rescue(self) -> Rescue:
        return Rescue(lambda: self._log("after error"), lambda: self._log("give up"))

    def _log(self, what: str) -> None:
        self.done.append(what)
        self.threads.append(threading.current_thread())
        if self._error is not None:
            raise self._error


def fail() -> None:
    raise OSError("The connection is lost.")


@pytest.mark.parametrize("broken", [None, RuntimeError("The rescue fails too.")])
def test_after_an_error_the_client_is_made_usable_by_the_thread_that_uses_it(
    broken: Exception | None,
) -> None:
    pool, log = Pool("a", 1), Log(error=broken)
    assert pool.run(lambda: "answer", PATIENCE, log.rescue()) == "answer"
    assert log.done == []
    with pytest.raises(OSError, match="lost"):
        pool.run(fail, PATIENCE, log.rescue())
    assert log.done == ["after error"]
    assert log.threads == [thread_of(pool)]


@pytest.mark.parametrize("broken", [None, RuntimeError("The rescue fails too.")])
def test_what_a_stuck_call_holds_is_given_up_before_the_next_one(
    broken: Exception | None, elsewhere: ThreadPoolExecutor
) -> None:
    pool, log = Pool("a", 1, spare=1), Log(error=broken)
    call = Call(ends_with=OSError("The connection is lost."))
    overdue = elsewhere.submit(pool.run, call, 0.5, log.rescue())
    assert call.begun.wait(PATIENCE)
    assert pool.run(lambda: log.done[:], PATIENCE) == ["give up"]
    assert isinstance(overdue.exception(PATIENCE), DeadlineExceeded)
    call.may_end.set()
    assert call.thread is not None
    call.thread.join(SOON)
    assert log.done == ["give up"]  # The next one uses it by now.


def test_nothing_is_given_up_for_a_call_that_was_not_made(elsewhere: ThreadPoolExecutor) -> None:
    pool, log = Pool("a", 1), Log()
    working, answer = begin(elsewhere, pool)
    with pytest.raises(NoThreadFree):
        pool.run(pytest.fail, SOON, log.rescue())
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
    pool, call = Pool("a", 1, spare=1), Call()

    def call_and_interrupt() -> Call:
        interrupt()
        return call()

    with pytest.raises(TimeLimit):
        pool.run(call_and_interrupt, PATIENCE)
    assert call.begun.wait(PATIENCE)
    assert pool.stuck == 1
    assert pool.run(lambda: "answer", PATIENCE) == "answer"
    call.end()
    assert pool.stuck == 0


def test_who_is_interrupted_while_waiting_for_a_thread_asks_for_nothing(
    elsewhere: ThreadPoolExecutor, interrupt: Callable[[], None]
) -> None:
    pool = Pool("a", 1)
    working, answer = begin(elsewhere, pool)
    pool.crew._waiting = queue = Queue()

    def interrupt_who_waits() -> None:
        queue.wait_for(1)
        interrupt()

    interrupter = elsewhere.submit(interrupt_who_waits)
    with pytest.raises(TimeLimit):
        pool.run(pytest.fail)
    interrupter.result(PATIENCE)
    working.may_end.set()
    answer.result(PATIENCE)
    assert pool.run(lambda: "answer", PATIENCE) == "answer"
    assert pool.stuck == 0


def test_a_rescue_that_is_interrupted_costs_no_thread() -> None:
    pool = Pool("a", 1, spare=1)

    def interrupted() -> None:
        raise TimeLimit

    call = Call()
    with pytest.raises(TimeLimit):
        pool.run(call, SOON, Rescue(give_up=interrupted))
    assert pool.run(lambda: "answer", PATIENCE) == "answer"
    call.end()


# Threads, processes and their ends


def test_where_the_system_has_no_thread_left_everybody_is_told(
    monkeypatch: pytest.MonkeyPatch, elsewhere: ThreadPoolExecutor
) -> None:
    pool = Pool("a", 1, spare=1)
    call = Call()
    overdue = elsewhere.submit(pool.run, call, 1.0)
    assert call.begun.wait(PATIENCE)
    pool.crew._waiting = queue = Queue()
    others = [elsewhere.submit(pool.run, pytest.fail) for _ in range(3)]
    queue.wait_for(3)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        assert isinstance(overdue.exception(PATIENCE), DeadlineExceeded)
        for other in others:
            with pytest.raises(NoThreadFree, match="no thread could be started"):
                other.result(PATIENCE)
    assert pool.run(lambda: "answer", PATIENCE) == "answer"
    call.end()


def no_thread(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_stuck_thread_goes_when_it_can_where_nobody_can_ask_any_more() -> None:
    pool = Pool("a", 2)
    stuck = stick(pool)
    assert stuck.thread is not None
    del pool
    gc.collect()
    stuck.end()
    stuck.thread.join(PATIENCE)
    assert not stuck.thread.is_alive()


def test_idle_threads_go_when_nobody_can_ask_them_any_more(
    elsewhere: ThreadPoolExecutor,
) -> None:
    pool = Pool("a", 2)
    begun = [begin(elsewhere, pool) for _ in range(2)]
    for call, answer in begun:
        call.may_end.set()
        answer.result(PATIENCE)
    threads = [call.thread for call, _ in begun]
    del pool, answer
    begun.clear()
    elsewhere.shutdown()
    gc.collect()
    for thread in threads:
        assert thread is not None
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_forked_child_begins_with_new_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool("a", 1)
    monkeypatch.setattr(deadline, "_pools", {pool})
    thread, stuck = thread_of(pool), stick(pool)
    crew = pool.crew
    deadline._enlist_anew()
    assert pool.stuck == 0
    assert thread_of(pool) is not thread
    stuck.end()
    assert crew.stuck == 0


INTERRUPTED = """
import signal, threading
from fallback_storage.resilience.deadline import Pool

class TimeLimit(Exception):
    pass

def limit(*_):
    if not limited.is_set():
        limited.set()
        raise TimeLimit

signal.signal(signal.SIGUSR1, limit)
pool, done = Pool("a", 1), []
begun, limited, may_end = (threading.Event() for _ in range(3))

def write():
    begun.set()
    may_end.wait(60)
    done.append("whole")

def interrupt():
    begun.wait(60)
    while not limited.is_set():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
        limited.wait(0.05)
    may_end.set()

threading.Thread(target=interrupt).start()
try:
    pool.run(write)
except TimeLimit:
    print(done, pool.stuck)
"""

FORK = """
import os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # It has threads: that is the point.
from fallback_storage.resilience.deadline import Pool

pool = Pool("a", 1)
first = pool.run(threading.current_thread, 10)
hold = threading.Event()
threading.Thread(target=pool.run, args=(hold.wait,), daemon=True).start()
child = os.fork()
if not child:
    threads = {pool.run(threading.current_thread, 10) for _ in range(9)}
    sys.exit(0 if len(threads) == 1 and first not in threads else 1)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
hold.set()
assert pool.run(threading.current_thread, 10) is first
sys.exit(status)
"""

STUCK_AT_EXIT = """
import threading
from fallback_storage.resilience.deadline import Pool
from fallback_storage.errors import DeadlineExceeded

pool = Pool("a", 2)
for _ in range(2):
    try:
        pool.run(threading.Event().wait, 0.05)
    except DeadlineExceeded:
        print(pool.stuck)
"""


def run(script: str) -> str:
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, timeout=PATIENCE, check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout


def test_a_forked_process_has_threads_of_its_own_whatever_its_parent_does() -> None:
    run(FORK)


def test_a_stuck_thread_does_not_hold_up_the_interpreter_s_exit() -> None:
    assert run(STUCK_AT_EXIT) == "1\n2\n"


# Offered


def test_a_call_that_is_offered_is_made_if_a_thread_is_free(elsewhere: ThreadPoolExecutor) -> None:
    pool = Pool("a", 2)
    working, answer = begin(elsewhere, pool)
    call = Call()
    offered = pool.offer(call)
    assert offered is not None
    assert call.begun.wait(PATIENCE)
    assert pool.offer(pytest.fail) is None
    call.may_end.set()
    assert offered() is call
    working.may_end.set()
    answer.result(PATIENCE)


def test_a_call_that_is_offered_raises_what_it_raises_when_it_is_waited_for() -> None:
    offered = Pool("a", 1).offer(fail)
    assert offered is not None
    with pytest.raises(OSError, match="lost"):
        offered()


def test_who_is_interrupted_in_a_write_waits_for_its_end() -> None:
    """What it reads would be closed under it, and half of it stored."""
    assert run(INTERRUPTED) == "['whole'] 0\n"
