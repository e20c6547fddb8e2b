"""What an OverlayStorage over two backends comes to, worked out from the words of its promises.

A model, not an implementation: it knows what lies where, and who is ill. Nothing here comes from
the engine.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from typing import Any, NoReturn

from django.core.files.storage import Storage

from fallback_storage.errors import StorageUnavailable, UnsupportedOperation

from .oracle import NAME, NEW, SUFFIXED

WHITEOUT = "dir/.wh.file.txt"
UP = "up"

#: The health of a backend, and the error it raises meanwhile.
HEALTHS: dict[str, Exception | None] = {
    UP: None,
    "refusing": OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)),
    "denied": OSError(errno.EACCES, os.strerror(errno.EACCES)),
    "broken": OSError(errno.EIO, os.strerror(errno.EIO)),
}


@dataclass
class Layer:
    """One backend: what it is, how it is, and what it holds, its directory included."""

    name: str
    kind: str
    storage: Storage
    health: str
    files: dict[str, bytes]
    has_directory: bool

    @property
    def is_up(self) -> bool:
        return self.health == UP

    @property
    def has(self) -> bool:
        return NAME in self.files

    @property
    def makes_new(self) -> bool:
        """Whether "ab" and "xb" make a file; Django's storage in memory does not."""
        return self.kind != "memory"


@dataclass
class Overlay:
    """The upper over the lower."""

    upper: Layer
    lower: Layer
    promote: bool = False
    operation: str = field(default="", init=False)

    def fails(self, layer: Layer) -> NoReturn:
        name = "dir" if self.operation == "listdir" else NAME
        raise StorageUnavailable(
            operation=self.operation, name=name, failures={layer.name: OSError()}
        )

    def holder(self, operation: str) -> Layer | None:
        """The upper's file, else the lower's unless it is hidden; a fault before that raises."""
        self.operation = operation
        if not self.upper.is_up:
            self.fails(self.upper)
        if self.upper.has:
            return self.upper
        if WHITEOUT in self.upper.files:
            return None
        if not self.lower.is_up:
            self.fails(self.lower)
        return self.lower if self.lower.has else None

    def of_a_file(self, operation: str) -> Layer:
        found = self.holder(operation)
        if found is None:
            raise FileNotFoundError
        return found

    def open(self) -> bytes:
        found = self.of_a_file("open")
        content = found.files[NAME]
        if self.promote:
            self.upper.files[NAME] = content
        return content

    def fact(self, operation: str) -> Any:
        return getattr(self.of_a_file(operation).storage, operation)(NAME)

    def exists(self) -> bool:
        return self.holder("exists") is not None

    def locate(self) -> str | None:
        found = self.holder("locate")
        return None if found is None else found.name

    def listdir(self) -> list[list[str]]:
        """Never short: a listing without the lower backend's is none."""
        self.operation = "listdir"
        for layer in (self.upper, self.lower):
            if not layer.is_up:
                self.fails(layer)
        if not (self.upper.has_directory or self.lower.has_directory):
            raise FileNotFoundError
        return [[], [os.path.basename(NAME)] if self.exists() else []]

    def url(self) -> str:
        """The lower one is not asked whether it has the file."""
        self.operation = "url"
        if not self.upper.is_up:
            self.fails(self.upper)
        if self.upper.has or WHITEOUT in self.upper.files:
            return str(self.upper.storage.url(NAME))
        if self.lower.health == "broken":
            self.fails(self.lower)
        return str(self.lower.storage.url(NAME))

    def path(self) -> str:
        """In the upper, which is asked first; what a local lower one holds is copied up for it.

        Over a remote one only what lies on a disk has a path.
        """
        self.operation = "path"
        if self.upper.kind == "remote":
            raise UnsupportedOperation
        if self.upper.health == "broken":
            self.fails(self.upper)
        not_on_disk = self.upper.is_up and not self.upper.has
        if not_on_disk and self.lower.kind == "remote":
            hidden = WHITEOUT in self.upper.files
            if hidden or not (self.promote and self.lower.is_up and self.lower.has):
                raise UnsupportedOperation
        found = self.holder("open" if self.promote else "path")
        if found is self.lower:
            self.upper.files[NAME] = found.files[NAME]
        return str(self.upper.storage.path(NAME))

    def save(self) -> str:
        """Under its own name if that is known to be free."""
        self.operation = "save"
        if not self.upper.is_up:
            self.fails(self.upper)
        hidden = WHITEOUT in self.upper.files
        free = not self.upper.has and (hidden or (self.lower.is_up and not self.lower.has))
        name = NAME if free else SUFFIXED
        self.upper.files[name] = NEW
        return name

    def write(self, mode: str) -> None:
        """Only the upper is ever written; what is changed is copied up first."""
        if mode == "wb":
            self.operation = "open"
            if not self.upper.is_up:
                self.fails(self.upper)
            self._write(mode, self.upper.files.get(NAME, b""))
            return
        found = self.holder("open")
        if found is None:
            self._write_anew(mode)
        elif mode == "xb":
            raise FileExistsError
        else:
            self._write(mode, found.files[NAME])

    def _write_anew(self, mode: str) -> None:
        if mode == "r+b":
            raise FileNotFoundError
        if not self.upper.makes_new:
            self.fails(self.upper)
        self._write(mode, b"")

    def _write(self, mode: str, old: bytes) -> None:
        in_memory = self.upper.kind == "memory"
        if mode == "ab" and not in_memory:
            new = old + NEW
        elif mode == "wb" and not in_memory:
            new = NEW
        else:
            new = NEW + old[len(NEW) :]  # InMemoryStorage neither truncates nor appends.
        self.upper.files[NAME] = new

    def delete(self) -> None:
        """Hidden, unless the lower one is known not to have it; nothing else is left."""
        self.operation = "delete"
        if not self.upper.is_up:
            self.fails(self.upper)
        self.upper.files.pop(NAME, None)
        if WHITEOUT not in self.upper.files and (self.lower.has or not self.lower.is_up):
            self.upper.files[WHITEOUT] = b""
