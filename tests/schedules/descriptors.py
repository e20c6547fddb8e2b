"""Open files, whose content is read, written and locked in turns."""

from __future__ import annotations

import fcntl
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from .looks import shortened


class Opener(Protocol):
    """What knows the files that are open."""

    def open_descriptor(self, path: Any, flags: int, mode: int = ...) -> int: ...
    def use(
        self,
        what: str,
        descriptor: int,
        do: Callable[[], Any],
        seen: Callable[[Any], object] = ...,
        data: Any = None,
    ) -> Any: ...
    def forget(self, descriptor: int) -> None: ...
    def owns(self, file: StepFile) -> None: ...


class StepFile(io.FileIO):
    """An open file, each of whose reads and writes is a step."""

    def __init__(
        self, disk: Opener, file: Any, mode: str, *, closefd: bool = True, opener: Any = None
    ) -> None:
        self._disk = disk
        if not isinstance(file, int):
            opener = opener or disk.open_descriptor
        super().__init__(file, mode, closefd=closefd, opener=opener)
        disk.owns(self)

    def readinto(self, buffer: Any) -> int:
        do = partial(super().readinto, buffer)
        count: int = self._disk.use(
            "read", self.fileno(), do, lambda count: shortened(memoryview(buffer)[:count])
        )
        return count

    def readall(self) -> bytes:
        data: bytes = self._disk.use("read", self.fileno(), super().readall, shortened)
        return data

    def write(self, data: Any) -> int:
        do = partial(super().write, data)
        count: int = self._disk.use("write", self.fileno(), do, data=data)
        return count

    def truncate(self, size: int | None = None) -> int:
        do = partial(super().truncate, size)
        length: int = self._disk.use("truncate", self.fileno(), do, data=size)
        return length

    def close(self) -> None:
        if not self.closed:
            self._disk.forget(self.fileno())
        super().close()


@dataclass
class Descriptor:
    """A file that an actor has open."""

    owner: str
    place: str
    inode: tuple[int, int]
    #: How it is locked: ``LOCK_EX``, ``LOCK_SH``, or 0.
    lock: int = 0
    file: StepFile | None = None

    def may_be_locked(self, wanted: int, others: Iterable[Descriptor]) -> bool:
        """Return whether a lock of a kind would not wait for one of ``others``."""
        held = [d.lock for d in others if d is not self and d.inode == self.inode and d.lock]
        return not held or (wanted == fcntl.LOCK_SH and fcntl.LOCK_EX not in held)


def opened(disk: Opener, path: Any, mode: str, buffering: int, **text: Any) -> Any:
    """Return what ``open`` does, around a file that is used in turns."""
    closefd = text.pop("closefd", True)
    opener = text.pop("opener", None)
    kind = mode.replace("t", "").replace("b", "")
    raw = StepFile(disk, path, kind, closefd=closefd, opener=opener)
    if buffering == 0:
        return raw
    if "+" in mode:
        buffered: Any = io.BufferedRandom(raw)
    else:
        buffered = io.BufferedReader(raw) if "r" in mode else io.BufferedWriter(raw)
    return buffered if "b" in mode else io.TextIOWrapper(buffered, **text)
