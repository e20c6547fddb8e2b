"""What FallbackStorage over two backends comes to, worked out from the words of the contract.

A model, not an implementation: it knows the health of each backend and what it holds of the one
file there is. Nothing here comes from the engine.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from django.core.files.storage import Storage

from fallback_storage.errors import (
    ReadOnlyStorageError,
    StorageUnavailable,
    UnsupportedOperation,
)

NAME, SUFFIXED, NEW = "dir/file.txt", "dir/file_*.txt", b"new"

UP, UNSUPPORTED, MISSING, DENIED = "up", "unsupported", "missing", "denied"
UNREACHABLE, FAILED, ANSWER = "unreachable", "failed", "answer"


class Forbidden(Exception):
    """What a server answers about a file that it may not list: HTTP 403."""

    status_code = 403


def _os_error(code: int) -> OSError:
    return OSError(code, os.strerror(code))


#: The health of a backend: the outcome of a read while it lasts, and the error it raises.
HEALTHS: dict[str, tuple[str, Exception]] = {
    "refusing": (UNREACHABLE, _os_error(errno.ECONNREFUSED)),
    "hanging": (UNREACHABLE, _os_error(errno.ETIMEDOUT)),
    "denied": (DENIED, _os_error(errno.EACCES)),
    "denied is missing": (MISSING, Forbidden()),
    "broken": (FAILED, _os_error(errno.EIO)),
    "unsupported": (UNSUPPORTED, NotImplementedError()),
}
FAULTS = {DENIED, UNREACHABLE, FAILED}
#: A server that is down needs not be asked for these.
LOCAL = {"url", "path"}
DOWN = {"refusing", "hanging", "denied", "denied is missing"}


@dataclass
class Member:
    """One backend: what it is, how it is, and what it holds."""

    name: str
    kind: str  # "fs", "memory" or "remote", which opens lazily and has no paths
    storage: Storage  # in good health, for the facts of the file
    files: dict[str, bytes]
    health: str = UP
    read_only: bool = False

    @property
    def holds(self) -> bool:
        return NAME in self.files

    def says(self, method: str) -> str:
        """The outcome of asking for the file."""
        if self.health == "denied is missing" and method == "listdir":
            return DENIED  # It is for one file, never for a list.
        if self.health != UP and not (self.health in DOWN and method in LOCAL):
            return HEALTHS[self.health][0]
        if method == "path" and self.kind == "remote":
            return UNSUPPORTED
        if method in LOCAL or (method == "listdir" and self.kind == "remote"):
            return ANSWER  # An object store lists a directory that it does not have as empty.
        return ANSWER if self.holds else MISSING

    @property
    def lacks(self) -> bool:
        """Whether it says by itself that it does not hold the file: what is inferred does not."""
        return self.health == UP and not self.holds

    def fact(self, method: str) -> Any:
        return getattr(self.storage, method)(NAME)

    def error(self) -> Exception:
        return HEALTHS[self.health][1]


class Oracle:
    """The combined storage, in the words of its contract."""

    def __init__(
        self, members: Sequence[Member], on_fault: str = "failover", delete: str = "first"
    ) -> None:
        self.members = members
        self.on_fault = on_fault
        self.delete_policy = delete

    # Reads: each backend is asked in the order declared, the first answer is returned.

    def first_answer(self, operation: str) -> Any:
        asked = _Asked(self, operation)
        for member in self.members:
            if asked.answers(member, operation):
                return member.fact(operation)
        asked.raise_it()

    def open_and_read(self) -> bytes:
        """A lazy open does not count as success: the backend that is read from has the file."""
        asked = _Asked(self, "open")
        for member in self.members:
            if asked.answers(member, "open"):
                return member.files[NAME]
        asked.raise_it()

    def holder(self, operation: str, *, surely: bool = True) -> Member | None:
        """The first backend with the file; ``None`` only where it is known that none has it."""
        asked = _Asked(self, operation)
        for member in self.members:
            if asked.answers(member, "exists"):
                return member
        if not asked.said(MISSING) or (asked.faults and surely):
            asked.raise_it()
        return None

    def exists(self) -> bool:
        return self.holder("exists", surely=self.on_fault != "skip") is not None

    def locate(self) -> str | None:
        found = self.holder("locate", surely=self.on_fault != "skip")
        return found.name if found else None

    def listdir(self) -> list[list[str]]:
        """What is in all backends; never short, unless those that could not answer are skipped."""
        asked = _Asked(self, "listdir")
        answers = [member for member in self.members if asked.answers(member, "listdir")]
        if not answers or (asked.faults and self.on_fault != "skip"):
            asked.raise_it()
        return [[], sorted({os.path.basename(name) for m in answers for name in m.files})]

    def url(self) -> str:
        """From the first backend with the file; the last is not asked whether it has it."""
        asked, last = _Asked(self, "url"), self.members[-1]
        for member in self.members:
            if asked.answers(member, "url" if member is last else "exists"):
                return str(member.fact("url"))
        asked.raise_it()

    def path(self) -> str:
        """The holder's; of a name that nobody has, the first writable backend's.

        Where no disk can have the file, an outage keeps nobody from knowing that there is none.
        """
        writable = [member for member in self.members if not member.read_only]
        on_disk = any(not (each.kind == "remote" or each.lacks) for each in self.members)
        if not on_disk and all(each.kind == "remote" for each in writable[:1]):
            raise UnsupportedOperation
        try:
            found = self.holder("path")
        except OSError:
            if on_disk:
                raise
            raise UnsupportedOperation from None
        asked = _Asked(self, "path")
        for member in [found] if found else writable[:1]:
            if asked.answers(member, "path"):
                return str(member.fact("path"))
        asked.raise_it()

    def explain(self) -> tuple[str | None, list[tuple[Any, ...]]]:
        """Every backend is asked, also after one has answered."""
        return self._served_by(), [_explained(member) for member in self.members]

    def _served_by(self) -> str | None:
        for member in self.members:
            says = member.says("exists")
            if says == ANSWER:
                return member.name
            if says in FAULTS and self.on_fault == "raise":
                return None
        return None

    # Writes: an error of the backend moves them on, whatever ``on_fault`` says of reads.

    def writable(self, operation: str) -> Iterator[Member]:
        members = [member for member in self.members if not member.read_only]
        if not members:
            raise ReadOnlyStorageError(operation)
        yield from members

    def save(self) -> str:
        name = self.available_name()
        asked = _Asked(self, "save")
        for member in self.writable("save"):
            if asked.does(member):
                member.files[name] = NEW
                return name
            if member.health != "unsupported":
                name = SUFFIXED  # The next save may find it mended, and the name free there.
        asked.raise_it()

    def available_name(self) -> str:
        """Unique across all backends; with a random suffix where that cannot be answered.

        One that cannot be asked at all is left out, if another one says that it lacks the name.
        """
        asked = [member for member in self.members if member.health != "unsupported"]
        return NAME if asked and all(member.lacks for member in asked) else SUFFIXED

    def write(self, mode: str) -> None:
        """Open in a writing mode, write, close; going past no backend that may hold the file."""
        found = None if mode == "wb" else self._surely_held_by()
        if found:
            self._write_where_it_lies(found, mode)
        elif mode == "r+b":
            raise FileNotFoundError
        else:
            self._write_anew(mode)

    def _surely_held_by(self) -> Member | None:
        """The first backend with the file, if all before it say that they lack it."""
        asked = _Asked(self, "open")
        for member in self.members:
            if member.health == UP and member.holds:
                return member
            asked.passes(member)
        return None

    def _write_where_it_lies(self, member: Member, mode: str) -> None:
        if mode == "xb":
            raise FileExistsError
        if member.read_only:
            raise ReadOnlyStorageError
        old = member.files[NAME]
        member.files[NAME] = _written(member, mode, old)

    def _write_anew(self, mode: str) -> None:
        writable, asked = [*self.writable("open")], _Asked(self, "open")
        for member in self.members:
            if member not in writable:
                asked.passes(member)
            elif self._writes(member, mode, asked):
                return
            elif not member.lacks:
                asked.raise_it()
        asked.raise_it()

    def _writes(self, member: Member, mode: str, asked: _Asked) -> bool:
        if member.kind == "remote" and member.health not in (UP, "unsupported"):
            raise member.error()  # Opened lazily, it stays there: the write fails.
        done = asked.does(member, makes_new=member.kind != "memory" or mode == "wb")
        if done:
            member.files[NAME] = _written(member, mode, member.files.get(NAME, b""))
        return done

    def delete(self) -> None:
        if self.delete_policy == "first":
            self._delete_from_first()
        else:
            self._delete_from_all()

    def _delete_from_first(self) -> None:
        """Writable backends in order until one succeeds: after a failure, one that had the file.

        Who failed cannot say now that it does not have it.
        """
        asked = _Asked(self, "delete")
        for member in self.writable("delete"):
            if not asked.does(member):
                continue
            if member.files.pop(NAME, None) is not None or asked.all_answered:
                return
        asked.raise_it()

    def _delete_from_all(self) -> None:
        """Every writable backend, last first, stopping at the first failure."""
        writable, asked = [*self.writable("delete")], _Asked(self, "delete")
        for member in self.members:
            if member.read_only:
                asked.passes(member)
        for member in reversed(writable):
            if not asked.does(member):
                asked.raise_it()
            member.files.pop(NAME, None)


class _Asked:
    """What the backends said so far, and what that means if none of them answers."""

    def __init__(self, oracle: Oracle, operation: str) -> None:
        self.operation = operation
        self.stops = oracle.on_fault == "raise"
        self.outcomes: list[str] = []
        self.faults: dict[str, Exception] = {}

    def said(self, outcome: str) -> bool:
        return outcome in self.outcomes

    def answers(self, member: Member, method: str) -> bool:
        """Ask; a fault ends it at once where faults are raised."""
        outcome = member.says(method)
        self.outcomes.append(outcome)
        if outcome in FAULTS:
            self.faults[member.name] = member.error()
            if self.stops:
                self.raise_it()
        return outcome == ANSWER

    def does(self, member: Member, *, makes_new: bool = True) -> bool:
        """Write; on a write nothing is missing."""
        if member.health == UP and makes_new:
            return True
        if member.health == "unsupported":
            self.outcomes.append(UNSUPPORTED)
        else:
            self.faults[member.name] = (
                FileNotFoundError() if member.health == UP else member.error()
            )
        return False

    def passes(self, member: Member) -> None:
        """Go on to the next, if this one says by itself that it does not hold the file."""
        if member.health == UP and member.holds:
            raise ReadOnlyStorageError
        if not member.lacks:
            self.does(member)
            self.raise_it()

    @property
    def all_answered(self) -> bool:
        return not self.outcomes and not self.faults

    def raise_it(self) -> NoReturn:
        single = next(iter(self.faults.values())) if len(self.faults) == 1 else None
        if single and not isinstance(single, FileNotFoundError):  # That would read as absence.
            raise single
        if self.faults:
            name = os.path.dirname(NAME) if self.operation == "listdir" else NAME
            raise StorageUnavailable(operation=self.operation, name=name, failures=self.faults)
        raise FileNotFoundError if self.said(MISSING) else UnsupportedOperation


def _written(member: Member, mode: str, old: bytes) -> bytes:
    if mode == "ab" and member.kind != "memory":
        return old + NEW
    if mode == "wb" and member.kind != "memory":
        return NEW
    return NEW + old[len(NEW) :]  # InMemoryStorage neither truncates nor appends.


def _explained(member: Member) -> tuple[Any, ...]:
    outcome = member.says("exists")
    error = None if member.health == UP else type(member.error()).__name__
    facts = [member.fact(f) if outcome == ANSWER else None for f in ("size", "get_modified_time")]
    return member.name, outcome, error, *facts


def came_to(ask: Callable[[], Any]) -> tuple[Any, ...]:
    """What asking comes to, in a form to compare: the answer, or the error and what it tells."""
    try:
        return ("answer", ask())
    except StorageUnavailable as error:
        return (StorageUnavailable, error.operation, plain(error.name), {*error.failures})
    except Exception as error:
        return (type(error), getattr(error, "errno", None) if _is_numbered(error) else None)


def _is_numbered(error: Exception) -> bool:
    # How the storages themselves word a missing file is theirs to choose.
    return isinstance(error, OSError) and not isinstance(
        error, (FileNotFoundError, FileExistsError)
    )


def plain(name: str) -> str:
    """The name without the random suffix that it may have got."""
    root, dot, extension = name.partition(".")
    return f"{root.partition('_')[0]}{dot}{extension}"
