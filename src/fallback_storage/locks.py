"""The keyed lock: of all calls that want one key, one works and the others wait."""

from __future__ import annotations

import math
import operator
import os
import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import compress

#: What is locked: the id of a storage and a name in it, or a device and an inode.
Key = tuple[int, int | str]

# After how many seconds who waits looks again: an interrupted call may not have told that it left.
_LOOK_AGAIN = 1.0


class LockTimeout(TimeoutError):
    """Another call kept a key for longer than this one would wait."""


class _Hold:
    """What one call has to do with one key, from before it waits for it until it leaves."""

    def __init__(self, key: Key) -> None:
        # A forked child asks for other keys than its parent, and so finds all of its own free.
        # Compared at each use, since uWSGI forks without Python's hooks and Windows has none.
        self.key = (os.getpid(), key)
        self.is_guest = False
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

    A key is taken and given back by single operations on a dict or a set. So there is no inner
    lock that an interrupt could leave locked, or that a destructor which happens to run within it
    would wait for. What an interrupted call held is free at the latest when its traceback is
    collected.

    Ask for several keys in one call: they are taken in one order, so that two calls cannot wait
    for each other. Nothing orders a key that is asked for while another one is held.
    """

    def __init__(self) -> None:
        self._owners: dict[tuple[int, Key], _Hold] = {}
        # The holds of calls that have not left. An owner that is not among them is gone.
        self._present: set[_Hold] = set()

    @contextmanager
    def held(self, *keys: Key, timeout: float | None = None) -> Iterator[bool]:
        """Wait until nobody else holds any of ``keys``, and hold them.

        Yields whether one of them is new to this call. Raises ``LockTimeout`` if the wait takes
        longer than ``timeout`` seconds; ``None`` waits without limit.
        """
        ends = math.inf if timeout is None else time.monotonic() + timeout
        outer = _holds.get()
        mine = [_Hold(key) for key in sorted(set(keys))]
        try:
            try:
                try:
                    # In the context first: a destructor may want a key that was just taken.
                    _holds.set(outer.union(mine))
                    self._present.update(mine)
                    yield self._enter(mine, outer, ends)
                finally:
                    self._leave(mine)
            finally:
                self._leave(mine)  # Again, since an interrupt may have cut it short.
        finally:
            # Further interrupts may have kept both from beginning. They cannot with a C function.
            self._present.difference_update(mine)

    def _enter(self, mine: list[_Hold], outer: frozenset[_Hold], ends: float) -> bool:
        """Enter the keys in order; return whether one of them is new to this call."""
        # No loop in `held` itself: in Python 3.12 an interrupt at its jump would escape the `try`.
        is_new = False
        for hold in mine:
            if not outer or not self._entered_as_guest(hold, outer):
                self._take(hold, ends)
                is_new = True
        return is_new

    def _entered_as_guest(self, hold: _Hold, outer: frozenset[_Hold]) -> bool:
        """Enter a key that the same call holds already; return whether it does."""
        above = [other for other in outer if other.key == hold.key]
        if not any(map(self._is_held, above)):
            return False
        hold.is_guest = True
        # Looked at again: whoever takes the key from now on sees this guest and waits for it.
        if any(map(self._is_held, above)):
            return True
        hold.is_guest = False
        self._tell(hold)
        return False

    def _take(self, hold: _Hold, ends: float) -> None:
        while (owner := self._owners.setdefault(hold.key, hold)) is not hold:
            if owner in self._present:
                self._wait_for(owner, ends)
            else:
                self._remove(owner)
        # The guests of earlier owners may still be at work.
        while guests := [
            other for other in self._present.copy() if other.is_guest and other.key == hold.key
        ]:
            self._wait_for(guests[0], ends)

    def _is_held(self, hold: _Hold) -> bool:
        return hold in self._present and (hold.is_guest or self._owners.get(hold.key) is hold)

    def _wait_for(self, other: _Hold, ends: float) -> None:
        """Wait until ``other`` leaves, or for no reason: the caller looks again."""
        gate: queue.SimpleQueue[None] = queue.SimpleQueue()
        other.waiting.add(gate)
        try:
            # Looked at after the gate is there, since who leaves opens the gates last.
            if self._is_held(other):
                gate.get(timeout=min(max(0.0, ends - time.monotonic()), _LOOK_AGAIN))
        except queue.Empty:
            if time.monotonic() >= ends:
                raise LockTimeout(f"Another call holds {other.key[1]!r}.") from None
        finally:
            other.waiting.discard(gate)

    def _leave(self, holds: list[_Hold]) -> None:
        if not holds:
            return
        for hold in holds:
            # Nobody else removes an owner that is present, so nothing comes between the two.
            if hold in self._present and self._owners.get(hold.key) is hold:
                del self._owners[hold.key]
        self._present.difference_update(holds)
        for hold in holds:
            if hold.waiting:
                self._tell(hold)
        _holds.set(_holds.get().difference(holds))
        holds.clear()

    def _tell(self, hold: _Hold) -> None:
        for gate in hold.waiting.copy():
            gate.put(None)

    def _remove(self, gone: _Hold) -> None:
        """Remove an owner that left without doing so, since interrupts came at every step.

        The look and the removal are one step: others may do the same, and one of them take the
        key in between.
        """
        is_gone = map(operator.is_, map(self._owners.get, [gone.key]), [gone])
        list(map(self._owners.pop, compress([gone.key], is_gone)))
