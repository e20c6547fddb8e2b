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

_threads = KeyedLock()


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
    file systems), only threads of this process are kept out. So they are while work that a call
    left behind in another thread goes on. What a killed process held is free, but for this case:
    a child lives on that was forked meanwhile, without Python's hooks (as uWSGI does), and has
    not used this function. Then the directory is locked until that child ends.
    """
    ends = math.inf if timeout is None else clock() + timeout
    _close_inherited()
    directory = _Directory(path)
    with _threads.held(directory.identity, timeout=timeout) as is_new:
        try:
            try:
                try:
                    if is_new:
                        directory.lock(ends, clock, sleep)
                    yield
                finally:
                    directory.unlock()
            finally:
                directory.unlock()  # Again, since an interrupt may have cut it short.
        finally:
            # Further interrupts may have kept both from beginning. They cannot with a C function.
            any(directory.closing)


class _Directory:
    """A directory that a call locks."""

    def __init__(self, path: str) -> None:
        status = os.stat(path)
        #: One directory can have several paths.
        self.identity = (status.st_dev, status.st_ino)
        self.pid = os.getpid()
        self._path = path
        self._descriptors: list[int] = []
        self._unlocking: Iterator[None] = iter(())
        #: Closes the descriptor when it is gone through, which has an effect once.
        self.closing: Iterator[None] = map(os.close, self._descriptors)

    def lock(
        self, ends: float, clock: Callable[[], float], sleep: Callable[[float], object]
    ) -> None:
        _locked.add(self)
        try:
            # In one step, since an interrupt after os.open would lose the descriptor.
            self._descriptors.extend(map(os.open, [self._path], [os.O_RDONLY]))
        except PermissionError:
            return
        self._unlocking = map(fcntl.flock, self._descriptors, [fcntl.LOCK_UN])
        pause = _SHORTEST
        while not self._is_locked():
            remaining = ends - clock()
            if remaining <= 0:
                raise LockTimeout(f"Another process holds {self._path!r}.")
            sleep(min(pause, remaining))
            pause = min(2 * pause, _LONGEST)

    def _is_locked(self) -> bool:
        """Lock the directory if no other process has; return whether it is, as far as can be."""
        try:
            fcntl.flock(self._descriptors[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # This file system has no locks.
            return True
        return True

    def unlock(self) -> None:
        # Closing is not enough, since a forked child may have the descriptor as well. A child
        # that was forked by the call itself gets here too, and must not unlock for its parent.
        if self not in _locked:
            return
        if self.pid == os.getpid():
            try:
                any(self._unlocking)
            except OSError:
                pass  # This file system has no locks.
        any(self.closing)
        _locked.discard(self)

    def close_inherited(self) -> None:
        """Close the descriptor in a forked child, unless its number is another file's by now."""
        with suppress(OSError, IndexError):
            status = os.fstat(self._descriptors[0])
            if (status.st_dev, status.st_ino) == self.identity:
                any(self.closing)
        self._descriptors.clear()
        _locked.discard(self)


# What this process locks, and in a forked child what its parent did.
_locked: set[_Directory] = set()


def _close_inherited() -> None:
    """Close what a forked child has of its parent, which would be locked while the child lives."""
    for directory in _locked.copy():
        if directory.pid != os.getpid():
            directory.close_inherited()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inherited)
