"""One call at a time changes the files of a directory, of all processes on a machine."""

from __future__ import annotations

import errno
import gc
import itertools
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fallback_storage import file_locks, locks
from fallback_storage.file_locks import directory_locked
from fallback_storage.locks import LockTimeout
from fallback_storage.resilience.bulkhead import Bulkhead

from .steps import Interrupt, Steps, calls, instructions, interrupted

fcntl = pytest.importorskip("fcntl", reason="Windows has no such locks")

PATIENCE = 60
INSTRUCTIONS = instructions(file_locks, locks, sys.modules[__name__])


def hold(path: Path) -> None:
    with directory_locked(str(path), 0):
        pass


def may_another_call_lock(path: Path) -> bool:
    try:
        Context().run(hold, path)
    except LockTimeout:
        return False
    return True


def may_another_process_lock(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY)  # As good as a process: locks are of descriptors.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


@contextmanager
def held_by_another_process(path: Path) -> Iterator[Callable[[], object]]:
    """Yield what ends that process."""
    script = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print("holds", flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"holds\n"
        yield partial(process.communicate, timeout=PATIENCE)


# Exclusive


def test_other_calls_and_other_processes_are_kept_out(tmp_path: Path) -> None:
    with directory_locked(str(tmp_path)):
        assert not may_another_process_lock(tmp_path)
        assert not may_another_call_lock(tmp_path)
    assert may_another_process_lock(tmp_path)
    assert may_another_call_lock(tmp_path)


def test_other_directories_are_not_locked(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with directory_locked(str(tmp_path)), directory_locked(str(other)):
        assert not may_another_process_lock(other)
    with directory_locked(str(tmp_path)):
        assert may_another_call_lock(other)


def test_who_waits_for_another_process_sleeps_longer_each_time(tmp_path: Path) -> None:
    """Under gevent that lets other greenlets run, while a lock that blocks would stop them all."""
    slept = list[float]()
    with held_by_another_process(tmp_path) as end:

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 9:
                end()

        with directory_locked(str(tmp_path), sleep=sleep):
            assert not may_another_process_lock(tmp_path)
    assert slept[:3] == [0.0005, 0.001, 0.002]
    assert slept[-1] == slept[-2] == 0.02


def test_who_waits_for_too_long_raises(tmp_path: Path) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    lock = directory_locked(str(tmp_path), 10, clock=lambda: now[0], sleep=sleep)
    with held_by_another_process(tmp_path):
        with pytest.raises(LockTimeout, match="Another process holds"), lock:
            pytest.fail("entered")
        assert now == [10]
    assert may_another_call_lock(tmp_path)


def test_it_sleeps_by_what_time_has_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be gevent's by then."""
    with held_by_another_process(tmp_path) as end:

        def sleep(_: float) -> None:
            monkeypatch.undo()
            end()

        monkeypatch.setattr("time.sleep", sleep)
        with directory_locked(str(tmp_path)):
            assert not may_another_process_lock(tmp_path)


def test_threads_wait_for_each_other_and_not_at_the_directory(tmp_path: Path) -> None:
    def lock() -> None:
        with directory_locked(str(tmp_path), 0, sleep=lambda _: pytest.fail("slept")):
            pytest.fail("entered")

    with directory_locked(str(tmp_path)), pytest.raises(LockTimeout, match="Another call"):
        Context().run(lock)


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), directory_locked(str(tmp_path / "none")):
        pytest.fail("entered")


# Reentrant


def test_a_call_may_lock_a_directory_again_by_any_path(tmp_path: Path) -> None:
    directory, link = tmp_path / "directory", tmp_path / "link"
    directory.mkdir()
    link.symlink_to(directory)
    with directory_locked(str(directory), 0), directory_locked(str(link), 0):
        assert not may_another_process_lock(directory)
    assert may_another_process_lock(directory)


def test_a_call_that_holds_a_directory_may_go_on_in_another_thread(tmp_path: Path) -> None:
    with directory_locked(str(tmp_path)):
        Bulkhead("upper", 1).run(partial(hold, tmp_path), PATIENCE)
        assert not may_another_process_lock(tmp_path)


# Where there are no such locks


def refuse(code: int, *_: object) -> Any:
    raise OSError(code, os.strerror(code))


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF])
def test_a_file_system_without_locks_keeps_out_the_threads_of_this_process(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", partial(refuse, code))
    with directory_locked(str(tmp_path)):
        assert not may_another_call_lock(tmp_path)
    assert may_another_call_lock(tmp_path)


def test_so_does_a_directory_that_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "open", partial(refuse, errno.EACCES))
    with directory_locked(str(tmp_path)):
        assert not may_another_call_lock(tmp_path)
    assert may_another_call_lock(tmp_path)


def test_so_does_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setattr(os, "open", partial(refuse, errno.EACCES))
    lock = runpy.run_path(file_locks.__file__)["directory_locked"]

    def lock_again() -> None:
        with lock(str(tmp_path), 0):
            pytest.fail("entered")

    with lock(str(tmp_path)), pytest.raises(LockTimeout):
        Context().run(lock_again)


# Interrupts, and destructors


def is_open(directory: Path) -> bool:
    """Whether this process has a descriptor of a directory."""
    status = os.stat(directory)
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # That of the listing is closed by now.
            if os.path.samestat(os.fstat(int(name)), status):
                return True
    return False


def lowest_free_descriptor() -> int:
    gc.collect()  # What other tests left closes its descriptors now.
    descriptor = os.dup(1)
    os.close(descriptor)
    return descriptor


def hold_twice(path: Path) -> None:
    with directory_locked(str(path), 0):
        hold(path)


@pytest.mark.parametrize("steps", [INSTRUCTIONS, calls])
@pytest.mark.parametrize("work", [hold, hold_twice])
def test_an_interrupt_at_any_step_leaves_a_directory_free_and_no_descriptor_open(
    work: Callable[[Path], None], steps: Steps, tmp_path: Path
) -> None:
    for number in itertools.count(1):
        more = interrupted(steps, number, partial(work, tmp_path))
        assert may_another_process_lock(tmp_path)
        assert may_another_call_lock(tmp_path)
        assert not is_open(tmp_path)
        if not more:
            break


def test_interrupts_at_every_step_leave_a_directory_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise Interrupt

    with monkeypatch.context() as patch:
        # As if each call of it were interrupted.
        patch.setattr(file_locks._Directory, "unlock", interrupt)
        with pytest.raises(Interrupt):
            hold(tmp_path)
    assert may_another_process_lock(tmp_path)
    assert may_another_call_lock(tmp_path)


def test_a_destructor_may_lock_a_directory_at_any_step(tmp_path: Path) -> None:
    for number in itertools.count(1):
        if not INSTRUCTIONS(number, partial(hold, tmp_path), partial(hold_twice, tmp_path)):
            break


# Forks


@pytest.fixture
def be_a_child(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Go on as a child would that is forked here, without Python's hooks."""
    child = os.getpid() + 1
    return lambda: monkeypatch.setattr(os, "getpid", lambda: child)


def test_a_child_closes_what_it_inherited_once(
    be_a_child: Callable[[], None], tmp_path: Path
) -> None:
    held, other = tmp_path / "held", tmp_path / "other"
    held.mkdir()
    other.mkdir()
    free = lowest_free_descriptor()
    with directory_locked(str(held)):
        be_a_child()
        with directory_locked(str(other)):
            hold(tmp_path)
        assert lowest_free_descriptor() == free
        descriptor = os.open(os.devnull, os.O_RDONLY)
        assert descriptor == free
    os.fstat(descriptor)
    os.close(descriptor)


def test_a_child_does_not_close_what_has_the_number_by_now(
    be_a_child: Callable[[], None], tmp_path: Path
) -> None:
    """A daemon closes everything first."""
    held, other = tmp_path / "held", tmp_path / "other"
    held.mkdir()
    other.mkdir()
    inherited = lowest_free_descriptor()
    with directory_locked(str(held)):
        os.close(inherited)
        descriptor = os.open(os.devnull, os.O_RDONLY)
        assert descriptor == inherited
        be_a_child()
        hold(other)
    os.fstat(descriptor)
    os.close(descriptor)


def test_a_child_that_leaves_the_lock_closes_it_and_does_not_unlock(
    be_a_child: Callable[[], None], tmp_path: Path
) -> None:
    descriptor = lowest_free_descriptor()
    with directory_locked(str(tmp_path)):
        of_the_parent = os.dup(descriptor)
        be_a_child()
    assert lowest_free_descriptor() == descriptor
    assert not may_another_process_lock(tmp_path)
    os.close(of_the_parent)
    assert may_another_process_lock(tmp_path)


FORKS = pytest.mark.parametrize("fork", ["os.fork", "ctypes.PyDLL(None).fork"])
BEGIN = """
import ctypes, os, sys, threading, warnings
from fallback_storage.file_locks import directory_locked
from tests.unit.test_file_locks import may_another_process_lock
warnings.simplefilter("ignore", DeprecationWarning)  # It has threads: that is the point.
path, other = sys.argv[1:]
inside, may_leave = threading.Event(), threading.Event()

def hold():
    with directory_locked(path):
        inside.set()
        may_leave.wait(60)

def exit_code(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str, str], subprocess.Popen[bytes]]]:
    """Start a script that locks the directory ``held`` and may lock ``other``."""
    started = list[subprocess.Popen[bytes]]()
    paths = [str(tmp_path / "held"), str(tmp_path / "other")]
    for path in paths:
        os.mkdir(path)

    def start(script: str, fork: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", BEGIN + script.format(fork=fork), *paths]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdin=pipe, stdout=pipe))
        return started[-1]

    yield start
    for process in started:
        process.communicate(timeout=PATIENCE)


@FORKS
def test_a_child_that_lives_on_does_not_hold_what_its_parent_gave_back(
    fork: str, start: Callable[[str, str], subprocess.Popen[bytes]]
) -> None:
    """A thread deletes a file while another one starts a process that stays."""
    script = """
thread = threading.Thread(target=hold)
thread.start()
inside.wait(60)
child = {fork}()
if not child:
    sys.stdin.read()
    os._exit(0)
may_leave.set()
thread.join()
assert may_another_process_lock(path)
sys.stdin.close()
"""
    process = start(script, fork)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


@FORKS
def test_a_child_of_the_holder_does_not_unlock_for_its_parent(
    fork: str, start: Callable[[str, str], subprocess.Popen[bytes]]
) -> None:
    script = """
with directory_locked(path):
    child = {fork}()
    if child:
        assert exit_code(child) == 0
        assert not may_another_process_lock(path)
if not child:
    os._exit(0)
assert may_another_process_lock(path)
"""
    process = start(script, fork)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


@FORKS
def test_what_a_killed_process_held_is_free_although_a_child_of_it_lives_on(
    fork: str, start: Callable[[str, str], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """Without Python's hooks that is so once the child has locked some directory itself."""
    script = """
with directory_locked(path):
    child = {fork}()
    if child:
        sys.stdin.read(1)
        os.kill(os.getpid(), 9)
    if {fork} is not os.fork:
        with directory_locked(other):
            pass
    print("lives", flush=True)
    sys.stdin.read()
    os._exit(0)
"""
    process = start(script, fork)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"lives\n"
    assert not may_another_process_lock(tmp_path / "held")
    process.kill()
    process.wait(PATIENCE)
    assert may_another_process_lock(tmp_path / "held")
