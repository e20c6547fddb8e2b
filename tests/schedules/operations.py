"""What an actor does: one operation, in the parts that each happen at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

from django.core.files.base import ContentFile

from .actors import Parts
from .worlds import NAME


def saved_by(actor: str) -> bytes:
    return f"all that {actor} saves".encode()


def written_by(actor: str) -> bytes:
    return f"<{actor}>".encode()


def save(storage: Any, actor: str) -> Parts:
    return [lambda: storage.save(NAME, ContentFile(saved_by(actor)))]


def delete(storage: Any, actor: str) -> Parts:
    return [lambda: storage.delete(NAME)]


def read(storage: Any, actor: str) -> Parts:
    opened: list[Any] = []

    def read_it() -> bytes:
        with closing(opened[0]):
            content: bytes = opened[0].read()
            return content

    return [lambda: opened.append(storage.open(NAME, "rb")), read_it]


def exists(storage: Any, actor: str) -> Parts:
    return [lambda: storage.exists(NAME)]


def size(storage: Any, actor: str) -> Parts:
    return [lambda: storage.size(NAME)]


def url(storage: Any, actor: str) -> Parts:
    return [lambda: storage.url(NAME)]


def open_in(mode: str) -> Operation:
    def operation(storage: Any, actor: str) -> Parts:
        opened: list[Any] = []

        def write() -> None:
            with closing(opened[0]):
                opened[0].write(written_by(actor))

        return [lambda: opened.append(storage.open(NAME, mode)), write]

    return operation


def replace(storage: Any, actor: str) -> Parts:
    return [*delete(storage, actor), *save(storage, actor)]


#: Makes the parts of an operation on a combined storage.
Operation = Callable[[Any, str], Parts]

OPERATIONS: dict[str, Operation] = {
    "save": save,
    "delete": delete,
    "replace": replace,
    "read": read,
    "exists": exists,
    "size": size,
    "url": url,
    "wb": open_in("wb"),
    "ab": open_in("ab"),
    "r+b": open_in("r+b"),
    "xb": open_in("xb"),
}
