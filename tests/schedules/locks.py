"""Locks, sleep and time as the actors have them: nobody who waits holds the other up."""

from __future__ import annotations

import _thread
import queue
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

from .actors import Actor, actor
from .runs import Run
from .steps import Killed, Step, TimeUp

#: How long a wait takes that is given up.
_LONG = 3600.0

_allocate, _rlock = threading.Lock, threading.RLock
_sleep, _monotonic, _queue = time.sleep, time.monotonic, queue.SimpleQueue
_made: weakref.WeakSet[TurnLock] = weakref.WeakSet()


class TurnLock:
    """A lock that an actor takes in its turn, if it is free then."""

    reentrant = False

    def __init__(self) -> None:
        self._owner: object = None
        self._count = 0
        _made.add(self)
        maker = actor()
        if maker is None:
            self.label = f"lock {len(_made)}"
        else:
            maker.locks_made += 1
            self.label = f"{maker.name}'s lock {maker.locks_made}"

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        me = actor()
        if me is None or me.is_dead:
            return self._take(me or _thread.get_ident(), blocking)
        if self.reentrant and self._owner is me:
            return self._take(me, blocking)
        step = Step(
            "lock",
            self.label,
            in_memory=True,
            has_deadline=timeout >= 0,
            ready=lambda: not blocking or self._owner is None,
        )
        try:
            return me.step(step, lambda: self._take(me, blocking))
        except TimeUp:
            me.run.clock += max(timeout, _LONG)
            return False
        except Killed:
            # The next run finds in memory what this one leaves there: let it be put in order.
            if self._take(me, blocking=False):
                return True
            raise

    def _take(self, owner: object, blocking: bool) -> bool:
        if self._owner is None or (self.reentrant and self._owner == owner):
            self._owner = owner
            self._count += 1
            return True
        if blocking:
            raise RuntimeError(f"{self.label} is held for ever.")
        return False

    def release(self) -> None:
        if not self._count:
            raise RuntimeError("release of a lock that is not held")
        self._count -= 1
        if not self._count:
            self._owner = None
            me = actor()
            if me is not None:
                me.run.releases += 1

    def locked(self) -> bool:
        return self._owner is not None

    def free(self) -> None:
        self._owner, self._count = None, 0

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class TurnRLock(TurnLock):
    reentrant = True

    def _is_owned(self) -> bool:
        return self._owner == (actor() or _thread.get_ident())


class TurnQueue:
    """A queue from which an actor takes in its turn, once there is something in it."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        me = actor()
        self.label = "queue" if me is None else f"{me.name}'s queue"

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        self._items.append(item)
        me = actor()
        if me is not None:
            me.run.releases += 1

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        me = actor()
        if me is None or me.is_dead:
            return self._take()
        step = Step(
            "wait",
            self.label,
            in_memory=True,
            has_deadline=timeout is not None,
            ready=lambda: not block or bool(self._items),
        )
        try:
            return me.step(step, self._take)
        except TimeUp:
            me.run.clock += max(timeout or 0, _LONG)
            raise queue.Empty from None

    def _take(self) -> Any:
        if not self._items:
            raise queue.Empty
        return self._items.popleft()

    def empty(self) -> bool:
        return not self._items


def make_queue() -> Any:
    return TurnQueue() if _is_wanted() else _queue()


def take_turns_for(module: ModuleType) -> None:
    """Let the keyed locks of a copy of the package be taken in turns.

    They are made of single operations on dictionaries, which are no steps.
    """
    kind = getattr(module, "KeyedLock", None)
    if kind is not None:
        kind.held = _held_in_turn(kind.held)


def _held_in_turn(held: Any) -> Any:
    @contextmanager
    def in_turn(lock: Any, *keys: Any, timeout: float | None = None) -> Iterator[Any]:
        me = actor()
        if me is not None and not me.is_dead:
            # An inode's number, or that of an object, is another one in each run.
            names = sorted(part for key in keys for part in key if isinstance(part, str))
            me.step(Step("lock", " ".join(names), in_memory=True), lambda: None)
        with held(lock, *keys, timeout=timeout) as answer:
            yield answer

    return in_turn


def free_all() -> None:
    """Free the locks that a run before this one was ended with."""
    for lock in tuple(_made):
        lock.free()


def make_lock() -> Any:
    return TurnLock() if _is_wanted() else _allocate()


def make_rlock() -> Any:
    return TurnRLock() if _is_wanted() else _rlock()


def _is_wanted() -> bool:
    """Whether the package makes a lock, in a copy of it or for an actor."""
    maker = sys._getframe(2).f_globals.get("__name__", "")
    return maker.startswith("fallback_storage.") and bool(importing or actor())


#: Not empty while a copy of the package is imported: its locks are taken in turns.
importing: list[bool] = []


def sleep(seconds: float) -> None:
    """Wait for the other to let something go; time passes when nobody can do anything else."""
    me = actor()
    if me is None:
        _sleep(seconds)
        return
    releases, run = me.run.releases, me.run
    step = Step(
        "sleep",
        in_memory=True,
        has_deadline=True,
        ready=lambda: run.releases > releases or _is_alone(me, run),
    )
    try:
        me.step(step, lambda: None)
        run.clock += seconds
    except TimeUp:
        run.clock += _LONG


def _is_alone(me: Actor, run: Run) -> bool:
    other = run.other(me)
    if other.has_ended:
        return True
    theirs = other.pending
    return theirs is not None and theirs.what != "sleep" and not theirs.ready()


def monotonic() -> float:
    me = actor()
    return _monotonic() if me is None else me.run.clock


@contextmanager
def in_turns() -> Iterator[None]:
    """Make the locks that actors and their processes make such that are taken in turns."""
    with (
        patch.multiple(threading, Lock=make_lock, RLock=make_rlock),
        patch.multiple(time, sleep=sleep, monotonic=monotonic),
        patch.object(queue, "SimpleQueue", make_queue),
    ):
        yield
