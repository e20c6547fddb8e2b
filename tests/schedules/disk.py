"""Steps on the disk: what the package and Django do to the files below one directory.

The functions of ``os`` and ``fcntl`` are replaced while schedules are played. For threads that are
no actors, and for files elsewhere, they do what they did.
"""

from __future__ import annotations

import builtins
import fcntl
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

from .actors import Actor, actor
from .descriptors import Descriptor, StepFile, opened
from .looks import Entries, look_of, name_of, shortened
from .steps import Step, always

#: What the names begin with that the package keeps for itself: no listing shows them, so that
#: nobody but their maker looks at them.
RESERVED = ".wh..wh."

_READS = ("stat", "lstat", "access", "readlink", "listdir", "scandir")
_CHANGES = ("unlink", "remove", "rmdir", "mkdir", "truncate", "symlink")
_MOVES = ("link", "rename", "replace")
_REAL: dict[str, Callable[..., Any]] = {
    name: getattr(os, name)
    for name in (*_READS, *_CHANGES, *_MOVES, "open", "close", "write", "ftruncate")
}
_real_open, _real_flock = builtins.open, fcntl.flock
_UNNAMED = getattr(os, "O_TMPFILE", -1)


class Disk:
    """What lies below a directory, and who has it open."""

    def __init__(self, root: str) -> None:
        self.root = f"{root.rstrip('/')}/"
        #: A directory in which nothing changes, so that it makes no difference when it is read.
        self.frozen: str | None = None
        self._descriptors: dict[int, Descriptor] = {}

    def _place(self, path: Any, dir_fd: int | None = None) -> str | None:
        """Return a path from the root, ``None`` where it is elsewhere or the thread no actor."""
        if actor() is None:
            return None
        if isinstance(path, int):
            known = self._descriptors.get(path)
            return None if known is None else known.place
        name = os.fsdecode(path)
        if name.startswith("/proc/self/fd/"):
            return self._place(int(name.rpartition("/")[2]))
        if dir_fd in self._descriptors and not name.startswith("/"):
            return f"{self._descriptors[dir_fd].place}/{name}"
        if not name.startswith(self.root):
            return None
        return os.path.normpath(name.removeprefix(self.root))

    def _take(
        self,
        what: str,
        place: str,
        do: Callable[[], Any],
        seen: Callable[[Any], object] = repr,
        *,
        changes: bool = False,
        takes_room: bool = False,
        ready: Callable[[], bool] = always,
        data: str = "",
    ) -> Any:
        me = actor()
        assert me is not None
        is_private = RESERVED in os.path.basename(place)
        is_frozen = self.frozen is not None and place.startswith(self.frozen) and not changes
        # Whether a backend's own directory is there: it is, all the time.
        is_certain = "/" not in place and what in ("stat", "lstat", "mkdir", "open")
        return me.step(
            Step(
                what,
                f"{place} {data}".rstrip(),
                changes=changes and not is_private,
                quiet=is_private or is_frozen or is_certain,
                takes_room=takes_room,
                ready=ready,
            ),
            do,
            seen,
        )

    # By name.

    def _read(self, name: str, path: Any = ".", *args: Any, **kwargs: Any) -> Any:
        place, do = self._place(path, kwargs.get("dir_fd")), partial(_REAL[name], path)
        if place is None:
            return do(*args, **kwargs)
        if name == "scandir":
            return self._take(name, place, lambda: Entries(do()), Entries.names)
        return self._take(name, place, partial(do, *args, **kwargs), look_of)

    def _change(self, name: str, path: Any, *args: Any, **kwargs: Any) -> Any:
        do = partial(_REAL[name], path, *args, **kwargs)
        return self._changed(name, self._place(path, kwargs.get("dir_fd")), do)

    def _move(self, name: str, source: Any, target: Any, **kwargs: Any) -> Any:
        do = partial(_REAL[name], source, target, **kwargs)
        return self._changed(name, self._place(target, kwargs.get("dst_dir_fd")), do)

    def _changed(self, name: str, place: str | None, do: Callable[[], Any]) -> Any:
        if place is None:
            return do()
        return self._take(name, place, do, changes=True)

    # By descriptor.

    def open_descriptor(
        self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None
    ) -> int:
        """Do what ``os.open`` does."""
        real = partial(_REAL["open"], path, flags, mode, dir_fd=dir_fd)
        place = self._place(path, dir_fd)
        if place is None:
            return int(real())
        if flags & _UNNAMED == _UNNAMED:
            place = f"{place}/{RESERVED}unnamed"
        changes = bool(flags & (os.O_CREAT | os.O_TRUNC))
        descriptor: int = self._take(
            name_of(flags), place, real, lambda _: "open", changes=changes
        )
        self._know(descriptor, place)
        return descriptor

    def _know(self, descriptor: int, place: str) -> None:
        me, found = actor(), os.fstat(descriptor)
        assert me is not None
        inode = (found.st_dev, found.st_ino)
        self._descriptors[descriptor] = Descriptor(me.name, place, inode)

    def _open_file(self, path: Any, mode: str = "r", buffering: int = -1, **text: Any) -> Any:
        if self._place(path) is None:
            return _real_open(path, mode, buffering, **text)
        return opened(self, path, mode, buffering, **text)

    def owns(self, file: StepFile) -> None:
        """Remember the file of a descriptor, which is to be closed through it."""
        known = self._descriptors.get(file.fileno())
        if known is not None:
            known.file = file

    def _write(self, descriptor: int, data: Any) -> Any:
        return self.use("write", descriptor, partial(_REAL["write"], descriptor, data), data=data)

    def _ftruncate(self, descriptor: int, length: int) -> None:
        do = partial(_REAL["ftruncate"], descriptor, length)
        self.use("truncate", descriptor, do, data=length)

    def use(
        self,
        what: str,
        descriptor: int,
        do: Callable[[], Any],
        seen: Callable[[Any], object] = repr,
        data: Any = None,
    ) -> Any:
        """Read or change the content of an open file."""
        place = self._place(descriptor)
        if place is None:
            return do()
        return self._take(
            what,
            place,
            do,
            seen,
            changes=what != "read",
            takes_room=what == "write",
            data="" if data is None else shortened(data),
        )

    def _close(self, descriptor: int) -> None:
        self.forget(descriptor)
        _REAL["close"](descriptor)

    def forget(self, descriptor: int) -> None:
        """A file is closed: what it locked is free."""
        known, me = self._descriptors.pop(descriptor, None), actor()
        if known is not None and known.lock and me is not None:
            me.run.releases += 1

    def _flock(self, file: Any, flags: int) -> None:
        descriptor = file if isinstance(file, int) else file.fileno()
        me, known = actor(), self._descriptors.get(descriptor)
        if me is None or known is None:
            _real_flock(file, flags)
        elif flags & fcntl.LOCK_UN:
            _real_flock(descriptor, flags)
            known.lock = 0
            me.run.releases += 1
        else:
            self._lock(descriptor, known, flags)

    def _lock(self, descriptor: int, known: Descriptor, flags: int) -> None:
        wanted = flags & (fcntl.LOCK_EX | fcntl.LOCK_SH)

        def lock() -> None:
            _real_flock(descriptor, wanted | fcntl.LOCK_NB)
            known.lock = wanted

        def is_free() -> bool:
            return known.may_be_locked(wanted, self._descriptors.values())

        waits = not flags & fcntl.LOCK_NB
        what = "flock" if waits else "try flock"
        self._take(what, known.place, lock, ready=is_free if waits else always)

    def close_all_of(self, owner: Actor) -> None:
        """Close what an actor has open that ended, as the kernel does for a process."""
        for descriptor, known in tuple(self._descriptors.items()):
            if known.owner == owner.name and known.file is not None:
                io.FileIO.close(known.file)
                self.forget(descriptor)
            elif known.owner == owner.name:
                self._close(descriptor)

    @contextmanager
    def in_turns(self) -> Iterator[None]:
        """Replace the functions that reach the disk."""
        replaced: dict[str, Any] = {name: partial(self._read, name) for name in _READS}
        replaced |= {name: partial(self._change, name) for name in _CHANGES}
        replaced |= {name: partial(self._move, name) for name in _MOVES}
        replaced |= {
            "open": self.open_descriptor,
            "close": self._close,
            "write": self._write,
            "ftruncate": self._ftruncate,
            "fdopen": self._open_file,
        }
        with (
            patch.multiple(os, **replaced),
            patch.object(builtins, "open", self._open_file),
            patch.object(io, "open", self._open_file),
            patch.object(fcntl, "flock", self._flock),
        ):
            yield


def files_below(root: str) -> Iterator[tuple[str, bytes]]:
    """Yield what lies below a directory, with its content, as nobody's step."""
    for entry in _REAL["scandir"](root):
        if entry.is_dir(follow_symlinks=False):
            yield f"{entry.name}/", b""
            yield from ((f"{entry.name}/{name}", c) for name, c in files_below(entry.path))
        else:
            with _real_open(entry.path, "rb") as file:
                yield entry.name, file.read()
