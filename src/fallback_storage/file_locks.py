"""The file lock: threads and processes change the files of one directory one at a time."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from fallback_storage.locks import KeyedLock, LockTimeout

with suppress(ImportError):  # Windows, where a directory cannot be opened to lock it either.
    import fcntl

# How long to wait before another look at a lock that a process holds, in seconds.
_SHORTEST, _LONGEST = 0.0005, 0.02

# By process, device and inode, since one directory can have several paths.
_Directory = tuple[int, int, int]

_threads = KeyedLock()
# The descriptors of the directories that are locked.
_opened: dict[_Directory, int] = {}


def _sleep(seconds: float) -> None:
    time.sleep(seconds)  # Looked up at each call, since gevent replaces it.


@contextmanager
def directory_locked(
    path: str,
    timeout: float | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = _sleep,
) -> Iterator[None]:
    """Keep other threads and processes out of a directory, which must exist.

    It is ``flock`` on the directory itself, and needs no file of its own. The threads of this
    process wait for each other first, so that only processes compete for it. A call that holds a
    directory may lock it again. Raises ``LockTimeout`` if that takes longer than ``timeout``
    seconds; ``None`` waits without limit. Waiting for a process goes through ``sleep``, which
    lets other greenlets run under gevent.

    Where a directory cannot be opened (Windows, no permission to read it) or locked (some network
    file systems), only threads of this process are kept out. What a killed process held is free,
    but for this case: a child lives on that was forked meanwhile, without Python's hooks (as
    uWSGI does), and has not used this function. Then the directory is locked until that child
    ends. Work that a call left behind in another thread keeps out only threads of this process.
    """
    ends = math.inf if timeout is None else clock() + timeout
    _close_inherited()
    status = os.stat(path)
    identity = (status.st_dev, status.st_ino)
    directory = (os.getpid(), *identity)
    with _threads.held(identity, timeout=timeout):
        if directory in _opened:
            yield
            return
        try:
            try:
                _lock(directory, path, ends, clock, sleep)
                yield
            finally:
                _unlock(directory)
        finally:
            _unlock(directory)  # What is left of it, if an interrupt cut it short.


def _lock(
    directory: _Directory,
    path: str,
    ends: float,
    clock: Callable[[], float],
    sleep: Callable[[float], object],
) -> None:
    try:
        # All in one step, since an interrupt after os.open would lose the descriptor.
        _opened.update(zip([directory], map(os.open, [path], [os.O_RDONLY]), strict=True))
    except PermissionError:
        return
    pause = _SHORTEST
    while True:
        try:
            fcntl.flock(_opened[directory], fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            remaining = ends - clock()
        except OSError:
            return  # This file system has no locks.
        if remaining <= 0:
            raise LockTimeout(f"Another process holds {path!r}.")
        sleep(min(pause, remaining))
        pause = min(2 * pause, _LONGEST)


def _unlock(directory: _Directory) -> None:
    if directory not in _opened:
        return
    if directory[0] != os.getpid():  # A child that was forked by the call which holds the lock.
        _close_inherited()
        return
    try:
        # Closing is not enough, since a forked child may have the descriptor as well.
        fcntl.flock(_opened[directory], fcntl.LOCK_UN)
    except OSError:
        pass  # This file system has no locks.
    _close(directory)


def _close(directory: _Directory) -> None:
    list(map(os.close, map(_opened.pop, [directory])))  # In one step, as above.


def _close_inherited() -> None:
    """Close what a forked child has of its parent, since it would lock while the child lives."""
    for directory, descriptor in _opened.copy().items():
        if directory[0] == os.getpid():
            continue
        with suppress(OSError, KeyError):  # A daemon closes everything; a thread was faster.
            status = os.fstat(descriptor)
            if (status.st_dev, status.st_ino) == directory[1:]:
                _close(directory)
        _opened.pop(directory, None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inherited)
