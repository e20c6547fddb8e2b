"""Taking back what an overlay changed. No backend but the first is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fallback_storage.combined.members import Members
from fallback_storage.overlay.changes import Change, Changes, Kind
from fallback_storage.overlay.whiteouts import marker


class Kept(Exception):
    """A change was not taken back; the message says why."""


@dataclass(frozen=True)
class Undone:
    """What came of one change: taken back, or why it was kept."""

    change: Change
    kept: str | None = None


class Undo:
    """The ways to take back the changes of one overlay.

    Each works while nobody else writes the name, and only where it finds what was listed.
    """

    def __init__(self, members: Members, changes: Changes) -> None:
        self._members = members
        self._changes = changes

    def discard(self, change: Change) -> Undone:
        """Take back a change: what lies below shows again, if something does."""
        return self._undo(change, self._discard)

    def restore(self, change: Change) -> Undone:
        """Remove a whiteout; a file of the first backend stays."""
        return self._undo(change, self._restore)

    def prune(self, change: Change) -> Undone:
        """Delete a promoted copy that has the content of the file below."""
        return self._undo(change, self._prune)

    def sweep(self, change: Change) -> Undone:
        """Delete what a process left that was killed."""
        return self._undo(change, self._delete)

    def _undo(self, change: Change, undo: Callable[[Change], None]) -> Undone:
        try:
            with self._alone(change.name):
                now = self._changes.of(change.name)
                if now is not None and now.kind is Kind.UNKNOWN:
                    raise Kept("a backend could not say what it has of it")
                if now != change:
                    raise Kept("it has changed since it was listed")
                undo(change)
        except Kept as why:
            return Undone(change, str(why))
        except Exception as error:  # A backend's own words can hold credentials.
            return Undone(change, type(error).__name__)
        finally:
            self._members.changed(change.name)
        return Undone(change)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        with self._members.locked(name), self._changes.upper.locked(name):
            yield

    def _discard(self, change: Change) -> None:
        # The whiteout first: after a crash the file of the first backend is there, and listed.
        self._restore(change)
        if change.size is not None:
            self._delete(change)

    def _restore(self, change: Change) -> None:
        if change.is_hidden:
            self._changes.upper.delete(marker(change.name))

    def _prune(self, change: Change) -> None:
        lower, _ = self._changes.holder(change.name)
        if change.is_hidden or lower is None:
            raise Kept("nothing would show in its place")
        if not self._changes.are_same(change.name, lower):
            raise Kept("its content is another")
        self._delete(change)

    def _delete(self, change: Change) -> None:
        self._changes.upper.delete(change.name)
        if self._changes.upper.exists(change.name):
            raise Kept("the first backend did not delete it")
