"""What is done on a real disk, every step of which is a call that can be struck.

A step is a system call about a path or a file below a backend's directory. The storages are
Django's own, exactly, so that whatever is done for that class is done.
"""

from __future__ import annotations

import builtins
import fcntl
import io
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from .strikes import Process

#: What only looks, by its name in `os`; whatever else is counted may change something.
_LOOKS = ("stat", "lstat", "listdir", "scandir", "access", "readlink")
_CHANGES = (
    *("mkdir", "rmdir", "unlink", "remove", "link", "symlink", "rename", "replace"),
    *("chmod", "chown", "utime", "truncate"),
)


class Steps:
    """Counts the steps of a process on its disks, and lets them be struck."""

    def __init__(
        self, process: Process, roots: Mapping[int, str], lying: Collection[int] = ()
    ) -> None:
        self._process = process
        #: The backends that take an error of a look for a "no" by themselves: never struck there.
        self._lying = lying
        self._roots = {f"{root}{os.sep}": number for number, root in roots.items()}
        self._roots |= {str(root): number for number, root in roots.items()}
        self._open: dict[int, int] = {}
        self._files: list[CountedFile] = []
        self._real: dict[str, Any] = {}

    def backend_of(self, subject: object) -> int | None:
        """Return the backend that a path or a descriptor belongs to."""
        if isinstance(subject, int):
            return self._open.get(subject)
        if not isinstance(subject, (str, os.PathLike)):
            return None
        path = os.fspath(subject)
        if path.startswith("/proc/self/fd/"):
            return self._open.get(int(path.rpartition("/")[2]))
        return next((n for root, n in self._roots.items() if path.startswith(root)), None)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what is done in here."""
        patched = [(os, name, self._step(name)) for name in (*_LOOKS, *_CHANGES)]
        patched += [(os, "open", self._os_open), (os, "close", self._os_close)]
        patched += [(os, "fdopen", self._file), (builtins, "open", self._file)]
        patched += [(io, "open", self._file), (fcntl, "flock", self._flock)]
        patched += [(os, "write", self._os_write)]
        real = [(module, name, getattr(module, name)) for module, name, _ in patched]
        self._real = {f"{module.__name__}.{name}": value for module, name, value in real}
        try:
            for module, name, ours in patched:
                setattr(module, name, ours)
            yield
        finally:
            for module, name, theirs in real:
                setattr(module, name, theirs)
            self._let_go()

    def _let_go(self) -> None:
        """A process that ends closes its files, and so unlocks what it locked."""
        for file in self._files:
            with suppress(OSError):
                file.close()
        self._files.clear()
        for descriptor in self._open:
            with suppress(OSError):
                os.close(descriptor)
        self._open.clear()

    def _step(self, name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def step(*args: Any, **keywords: Any) -> Any:
            backend = next(
                (n for each in args[:2] if (n := self.backend_of(each)) is not None), None
            )
            if backend is None or not self._process.running:
                return real(*args, **keywords)
            if name in ("stat", "lstat") and backend in self._lying:
                return real(*args, **keywords)
            return self._process.call(
                backend,
                name,
                lambda: real(*args, **keywords),
                mutates=name in _CHANGES,
            )

        return step

    def _os_open(self, path: Any, flags: int, *args: Any, **keywords: Any) -> int:
        real = self._real["os.open"]
        backend = self.backend_of(path)
        if backend is None or not self._process.running:
            return int(real(path, flags, *args, **keywords))
        changes = flags & (os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_RDWR)

        def effect() -> int:
            descriptor: int = real(path, flags, *args, **keywords)
            self._open[descriptor] = backend
            return descriptor

        return self._process.call(backend, "open", effect, mutates=bool(changes))

    def _os_close(self, descriptor: int) -> None:
        self._real["os.close"](descriptor)
        self._open.pop(descriptor, None)

    def _os_write(self, descriptor: int, data: bytes) -> int:
        real, backend = self._real["os.write"], self.backend_of(descriptor)
        if backend is None or not self._process.running:
            return int(real(descriptor, data))
        return self._process.call(
            backend,
            "write",
            lambda: int(real(descriptor, data)),
            mutates=True,
            half=lambda: real(descriptor, data[: len(data) // 2]),
        )

    def _flock(self, descriptor: Any, operation: int) -> Any:
        real = self._real["fcntl.flock"]
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        backend = self.backend_of(number)
        if backend is None or not self._process.running:
            return real(descriptor, operation)
        return self._process.call(backend, "flock", lambda: real(descriptor, operation))

    def _file(self, file: Any, mode: str = "r", *args: Any, **keywords: Any) -> Any:
        backend = self.backend_of(file)
        if backend is None or not self._process.running or "b" not in mode:
            return self._real["io.open"](file, mode, *args, **keywords)
        raw_mode = mode.replace("b", "")

        def effect() -> CountedFile:
            raw = CountedFile(self._process, backend, file, raw_mode)
            self._files.append(raw)
            return raw

        if isinstance(file, int):
            self._open.pop(file)  # Closed by the file from now on.
            raw = effect()
        else:
            raw = self._process.call(backend, "open", effect, mutates=raw_mode != "r")
        if "+" in mode:
            return io.BufferedRandom(raw)
        return io.BufferedReader(raw) if raw_mode == "r" else io.BufferedWriter(raw)


class CountedFile(io.FileIO):
    """A file, each read and write of which is a step."""

    def __init__(self, process: Process, backend: int, file: Any, mode: str) -> None:
        super().__init__(file, mode)
        self._process = process
        self._backend = backend

    def _called(self, operation: str, effect: Callable[[], Any], **how: Any) -> Any:
        if not self._process.running:
            return effect()
        return self._process.call(self._backend, operation, effect, **how)

    def readinto(self, buffer: Any) -> int | None:
        read: int | None = self._called("read", lambda: io.FileIO.readinto(self, buffer))
        return read

    def readall(self) -> bytes:
        data: bytes = self._called("read", lambda: io.FileIO.readall(self))
        return data

    def write(self, data: Any) -> int:
        if not self._process.running:
            return len(data)  # Its process is over: it is only being collected.
        half = bytes(data[: len(data) // 2])
        written: int = self._called(
            "write",
            lambda: io.FileIO.write(self, data),
            mutates=True,
            half=lambda: io.FileIO.write(self, half),
        )
        return written
