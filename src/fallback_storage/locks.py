"""The keyed lock: of all calls that want one key, one works and the others wait."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: What is locked: the id of a storage and a name in it, or a device and an inode.
Key = tuple[int, int | str]


class LockTimeout(TimeoutError):
    """Another call kept a key for longer than this one would wait."""


class _Hold:
    """One call's hold on one key, from before it has the key until it is given back."""

    def __init__(self, key: Key) -> None:
        # A forked child asks for other keys than its parent, and so finds all of its own free.
        # Compared at each use, since uWSGI forks without Python's hooks and Windows has none.
        self.key = (os.getpid(), key)
        self.waiting: set[queue.SimpleQueue[None]] = set()


# The holds of the call that runs, and of those it is a part of. Not kept by thread, since a call
# may go on in another one. Whether they are still held is for the lock to say: this may be a copy.
_holds: ContextVar[frozenset[_Hold]] = ContextVar("fallback_storage_holds", default=frozenset())


class KeyedLock:
    """A lock for each key, made when it is wanted and gone when nobody uses it.

    It is reentrant for a call, not for a thread. Work that a call hands to another thread with a
    copy of its context is a part of the call: it may enter a key that the call holds. If it stays
    there for longer than the call does, others wait for both. Once the call has given the key
    back, the copy of its context lets nobody in.

    A key is taken and given back by single operations on a dict or a set, and all that follows
    may be done twice. So there is no inner lock that an interrupt could leave locked, or that a
    destructor could wait for which happens to run within it.

    Ask for several keys in one call: they are taken in one order, so that two calls cannot wait
    for each other. Nothing orders a key that is asked for while another one is held.
    """

    def __init__(self) -> None:
        self._owners: dict[tuple[int, Key], _Hold] = {}
        self._guests: set[_Hold] = set()

    @contextmanager
    def held(self, *keys: Key, timeout: float | None = None) -> Iterator[None]:
        """Wait until nobody else holds any of ``keys``, and hold them.

        Raises ``LockTimeout`` if that takes longer than ``timeout`` seconds; ``None`` waits
        without limit.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        outer = _holds.get()
        mine = [_Hold(key) for key in sorted(set(keys))]
        try:
            try:
                # First, since a destructor that runs here may want a key that was just taken.
                _holds.set(outer.union(mine))
                for hold in mine:
                    if not outer or not self._entered_as_guest(hold, outer):
                        self._take(hold, ends)
                yield
            finally:
                self._give_back(mine)
        finally:
            if mine:  # An interrupt cut it short.
                self._give_back(mine)

    def _entered_as_guest(self, hold: _Hold, outer: frozenset[_Hold]) -> bool:
        """Enter a key that the same call holds already; return whether it does."""
        above = [other for other in outer if other.key == hold.key]
        if not any(map(self._is_held, above)):
            return False
        self._guests.add(hold)
        # Looked at again: whoever takes the key from now on sees this guest and waits for it.
        if any(map(self._is_held, above)):
            return True
        self._release(hold)
        return False

    def _take(self, hold: _Hold, ends: float | None) -> None:
        while (owner := self._owners.setdefault(hold.key, hold)) is not hold:
            self._wait_for(owner, ends)
        # The guests of earlier owners may still be at work.
        while guests := [guest for guest in self._guests.copy() if guest.key == hold.key]:
            self._wait_for(guests[0], ends)

    def _is_held(self, hold: _Hold) -> bool:
        return self._owners.get(hold.key) is hold or hold in self._guests

    def _wait_for(self, other: _Hold, ends: float | None) -> None:
        """Wait until ``other`` is given back, or for no reason: the caller looks again."""
        gate: queue.SimpleQueue[None] = queue.SimpleQueue()
        other.waiting.add(gate)
        # Looked at after the gate is there, since whoever gives back opens the gates last.
        if not self._is_held(other):
            return
        seconds = None
        if ends is not None:
            seconds = min(max(0.0, ends - time.monotonic()), threading.TIMEOUT_MAX)
        try:
            gate.get(timeout=seconds)
        except queue.Empty:
            raise LockTimeout(f"Another call holds {other.key[1]!r}.") from None
        finally:
            other.waiting.discard(gate)

    def _give_back(self, holds: list[_Hold]) -> None:
        for hold in holds:
            self._release(hold)
        _holds.set(_holds.get().difference(holds))
        holds.clear()

    def _release(self, hold: _Hold) -> None:
        # Nobody else removes this hold, so nothing can come between the look and the removal.
        if self._owners.get(hold.key) is hold:
            del self._owners[hold.key]
        self._guests.discard(hold)
        if hold.waiting:
            for gate in hold.waiting.copy():
                gate.put(None)
