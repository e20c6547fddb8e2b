"""What a user asks of a combined storage, each operation to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import Storage

from .worlds import DIRECTORY, NAME, NEW

#: The options that an operation heeds.
ON_FAULT, SKIP, DELETE, PROMOTE = "on_fault", "on_fault, skip too", "delete", "promote"
ON_FAULT_VALUES = {
    "": ("failover",),
    ON_FAULT: ("failover", "raise"),
    SKIP: ("failover", "raise", "skip"),
}


@dataclass
class Course:
    """How far an operation came."""

    #: Whether a file to be written was handed out: what happens then is the user's to see.
    handed_out: bool = False


Run = Callable[[Storage, Course], Any]


@dataclass(frozen=True)
class Operation:
    """One operation: what it does, what it is for, and what the file holds when it is done."""

    name: str
    run: Run = field(repr=False, compare=False)
    purpose: str
    heeds: tuple[str, ...]
    #: The file's new content, from its old one; `None`: there is no such file then.
    result: Callable[[bytes | None], bytes | None] = field(
        repr=False, compare=False, default=lambda old: old
    )

    def __str__(self) -> str:
        return self.name

    @property
    def reads_first(self) -> bool:
        """Whether it opens the file to read it before it changes it."""
        return self.name.startswith("reopen")


READ, SAVE, WRITE, DELETING = "read", "save", "write", "delete"


def _read(storage: Storage, course: Course) -> bytes:
    with storage.open(NAME) as file:
        content: bytes = file.read()
    return content


def _read_in_parts(storage: Storage, course: Course) -> bytes:
    content = b""
    with storage.open(NAME) as file:
        while part := file.read(5):
            content += part
    return content


def _read_again(storage: Storage, course: Course) -> bytes:
    """Read a file, close it, and open it again as it was handed out."""
    file = storage.open(NAME)
    file.read()
    file.close()
    with file.open("rb"):
        content: bytes = file.read()
    return content


def _scribble(storage: Storage, course: Course) -> bool:
    """Write to a file that was opened to be read."""
    with storage.open(NAME) as file:
        try:
            file.write(b"EVIL")
        except (OSError, ValueError, AttributeError):
            return False
    return True


def _listed(storage: Storage, course: Course) -> set[str]:
    return set(storage.listdir(DIRECTORY)[1])


def _path(storage: Storage, course: Course) -> tuple[str, bytes | None]:
    path = Path(storage.path(NAME))
    return str(path), path.read_bytes() if path.exists() else None


def _write(mode: str, storage: Storage, course: Course) -> None:
    file = storage.open(NAME, mode)
    course.handed_out = True
    _fill(file)


def _rewrite(mode: str, storage: Storage, course: Course) -> None:
    """Read a file, close it, and open the one that was handed out to write it."""
    file = storage.open(NAME)
    file.read()
    file.close()
    file.open(mode)
    course.handed_out = True
    _fill(file)


def _fill(file: Any) -> None:
    with file:
        file.write(NEW[:5])
        file.write(NEW[5:])


def _appended(old: bytes | None) -> bytes:
    return (old or b"") + NEW


def _patched(old: bytes | None) -> bytes | None:
    return None if old is None else NEW + old[len(NEW) :]


def _replaced(old: bytes | None) -> bytes:
    return NEW


def _created(old: bytes | None) -> bytes:
    return NEW if old is None else old


def _rewritten(result: Callable[[bytes | None], bytes | None]) -> Any:
    return lambda old: None if old is None else result(old)


def _asked(method: str, storage: Storage, course: Course) -> Any:
    return getattr(storage, method)(NAME)


def _save(storage: Storage, course: Course) -> str:
    return storage.save(NAME, ContentFile(NEW))


def _delete(storage: Storage, course: Course) -> None:
    storage.delete(NAME)


_OPENING = (ON_FAULT, PROMOTE)
OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("open", _read, READ, _OPENING),
        Operation("open in parts", _read_in_parts, READ, _OPENING),
        Operation("open, reopen", _read_again, READ, _OPENING),
        Operation("open, write to it", _scribble, READ, _OPENING),
        Operation("path", _path, READ, _OPENING),
        *(
            Operation(method, partial(_asked, method), READ, (ON_FAULT,))
            for method in ("size", "url", "get_modified_time")
        ),
        Operation("exists", partial(_asked, "exists"), READ, (SKIP,)),
        Operation("listdir", _listed, READ, (SKIP,)),
        Operation("open wb", partial(_write, "wb"), WRITE, (ON_FAULT,), _replaced),
        Operation("open ab", partial(_write, "ab"), WRITE, (ON_FAULT,), _appended),
        Operation("open xb", partial(_write, "xb"), WRITE, (ON_FAULT,), _created),
        Operation("open r+b", partial(_write, "r+b"), WRITE, (ON_FAULT,), _patched),
        Operation("reopen wb", partial(_rewrite, "wb"), WRITE, _OPENING, _rewritten(_replaced)),
        Operation("reopen ab", partial(_rewrite, "ab"), WRITE, _OPENING, _rewritten(_appended)),
        Operation("reopen r+b", partial(_rewrite, "r+b"), WRITE, _OPENING, _patched),
        Operation("save", _save, SAVE, ()),
        Operation("delete", _delete, DELETING, (DELETE, PROMOTE), lambda old: None),
    )
}
