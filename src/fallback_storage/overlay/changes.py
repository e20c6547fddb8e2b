"""What an overlay's first backend has changed of the others."""

from __future__ import annotations

import enum
import os
import posixpath
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.members import Members
from fallback_storage.outcomes import Outcome
from fallback_storage.overlay.whiteouts import PREFIX, hidden, is_leftover, marker

_CHUNK = 1024 * 1024


class Kind(enum.StrEnum):
    """What lies in the first backend, seen from the others."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"
    PROMOTED = "promoted"
    LEFTOVER = "leftover"
    #: A backend below could not say what it has of the name.
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Change:
    """One name; ``size`` and ``modified`` are the first backend's, ``None`` where it has none.

    ``stored`` is when its file came there, as far as that is known: a promoted copy is as old as
    the file below.
    ``below`` is the backend that holds the name beneath, whose file is ``size_below`` bytes long.
    ``is_hidden``: whether a whiteout lies over that.
    """

    name: str
    kind: Kind
    size: int | None = None
    modified: datetime | None = None
    stored: datetime | None = None
    below: str | None = None
    size_below: int | None = None
    is_hidden: bool = False


class Changes:
    """The changes of one overlay."""

    def __init__(self, members: Members) -> None:
        # As they are: with whiteouts, and with what these hide.
        self.upper: Backend
        self.lowers: list[Backend]
        self.upper, *self.lowers = [backend.unwrapped() for backend in members.backends]

    def __iter__(self) -> Iterator[Change]:
        """Give every change, a directory at a time."""
        directories, seen = [""], set()
        while directories:
            directory = directories.pop()
            if (place := self._place(directory)) in seen:
                continue  # A symbolic link has led back there.
            seen.add(place)
            names, files = self._listed(directory)
            directories += [posixpath.join(directory, each) for each in sorted(names)[::-1]]
            yield from self._in_directory(directory, set(files))

    def _place(self, directory: str) -> str:
        if self.upper.is_remote or not directory:
            return directory
        return os.path.realpath(self.upper.path(directory))

    def _listed(self, directory: str) -> tuple[list[str], list[str]]:
        try:
            return self.upper.listdir(directory)
        except Exception as error:
            if self.upper.outcome_of(error, listing=True) is Outcome.MISSING:
                return [], []  # Nothing was stored yet, or it is gone by now.
            raise

    def of(self, name: str) -> Change | None:
        """Return the change of a name as it is now, ``None`` if there is none."""
        if is_leftover(posixpath.basename(name)):
            return self._measured(Change(name, Kind.LEFTOVER))
        return self._of(name, is_hidden=self.upper.exists(marker(name)))

    def holder(self, name: str) -> tuple[Backend | None, int | None]:
        """Return the backend below that has a name, and the size of its file.

        Raises what one raised that could not say.
        """
        for lower in self.lowers:
            try:
                return lower, lower.size(name)
            except Exception as error:
                if lower.outcome_of(error) is not Outcome.MISSING:
                    raise
        return None, None

    def are_same(self, name: str, lower: Backend) -> bool:
        """Return whether the first backend and another have the same content under a name."""
        with self.upper.open(name, "rb") as above, lower.open(name, "rb") as below:
            return all(chunk == other for chunk, other in _in_step(above, below))

    def _in_directory(self, directory: str, files: set[str]) -> Iterator[Change]:
        whiteouts = {each for each in files if each.startswith(PREFIX)}
        leftovers = {each for each in whiteouts if is_leftover(each)}
        names = {posixpath.join(directory, each) for each in files - whiteouts}
        whiteouts -= leftovers
        below = self._names_below(directory) if any(map(_is_hashed, whiteouts)) else []
        names |= {hidden(directory, each, below) for each in whiteouts}
        for name in sorted(names):
            is_hidden = posixpath.basename(marker(name)) in whiteouts
            if (change := self._of(name, is_hidden=is_hidden)) is not None:
                yield change
        for base in sorted(leftovers):
            leftover = Change(posixpath.join(directory, base), Kind.LEFTOVER)
            if (change := self._measured(leftover)) is not None:
                yield change

    def _names_below(self, directory: str) -> list[str]:
        found: list[str] = []
        for lower in self.lowers:
            with suppress(Exception):  # The whiteout has its own name then.
                found += lower.listdir(directory)[1]
        return found

    def _of(self, name: str, *, is_hidden: bool) -> Change | None:
        change = Change(name, Kind.DELETED, is_hidden=is_hidden)
        is_own = _is_hashed(posixpath.basename(name))
        measured = None if is_own else self._measured(change)
        if measured is None and not is_hidden:
            return None
        change = measured or change
        try:
            lower, size = self.holder(name)
            kind = self._kind(change, lower, size) if measured else Kind.DELETED
        except Exception:
            return replace(change, kind=Kind.UNKNOWN)
        return replace(change, kind=kind, below=lower.name if lower else None, size_below=size)

    def _kind(self, change: Change, lower: Backend | None, size: int | None) -> Kind:
        if lower is None:
            return Kind.ADDED
        if size != change.size:
            return Kind.CHANGED
        same = self._is_as_old(change, lower) or self.are_same(change.name, lower)
        return Kind.PROMOTED if same else Kind.CHANGED

    def _is_as_old(self, change: Change, lower: Backend) -> bool:
        """Return whether a file of the same size was changed last in the same moment.

        A promoted copy was: what changes it since changes that.
        """
        try:
            return lower.get_modified_time(change.name) == change.modified
        except Exception:
            return False

    def _measured(self, change: Change) -> Change | None:
        """Return a change with what the first backend says of its file, ``None`` without one."""
        if not self.upper.exists(change.name):
            return None
        modified = _time(self.upper.get_modified_time, change.name)
        stored = _time(self.upper.get_created_time, change.name) or modified
        try:
            size: int | None = self.upper.size(change.name)
        except Exception as error:
            if not self.upper.says_missing(error):
                raise
            if not self.upper.exists(change.name):
                return None
            size = None  # A symbolic link that leads nowhere.
        return replace(change, size=size, modified=modified, stored=stored)


def _time(ask: Callable[[str], datetime], name: str) -> datetime | None:
    try:
        return ask(name)
    except Exception:  # Not all have times.
        return None


def _is_hashed(whiteout: str) -> bool:
    return whiteout.startswith(PREFIX + PREFIX)


def _in_step(above: Any, below: Any) -> Iterator[tuple[bytes, bytes]]:
    """Give what two files hold, as much of the one as of the other at a time, to their ends."""
    while True:
        chunk, other = _read(above), _read(below)
        yield chunk, other
        if not chunk or not other:
            return


def _read(file: Any) -> bytes:
    """Read a chunk; a file may give less at a time than it is asked for."""
    read = b""
    while len(read) < _CHUNK and (more := file.read(_CHUNK - len(read))):
        read += more
    return read
