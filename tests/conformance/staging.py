"""Combined storages with faults staged at random, and what they are asked.

Every error that is staged says `SECRET`, as a backend's own words can hold credentials.
"""

from __future__ import annotations

import errno
import io
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from hypothesis import strategies as st

from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage
from fallback_storage.testing.promises.material import stream

from .storages import files_of, reset_breakers

SECRET = "s3cr3t"

#: Names of files and directories that backends hold, do not hold, or cannot hold.
NAMES = ("a.txt", "d/a.txt", "d/e/b.tar.gz", "ü n.txt", "d", "a.txt/below.txt", "long" * 70)
ODD_NAMES = ("./a.txt", "d//a.txt", "d\\a.txt", "d/./e/b.tar.gz", Path("d/a.txt"))


class ServerError(Exception):
    """An error of a client library, known by its status alone."""

    status_code = 503


def _numbered(code: int) -> Callable[[], Exception]:
    return lambda: OSError(code, f"{os.strerror(code)}: {SECRET}")


#: What a backend raises that could not answer.
FAULTS: dict[str, Callable[[], Exception]] = {
    "refused": _numbered(errno.ECONNREFUSED),
    "timeout": _numbered(errno.ETIMEDOUT),
    "denied": _numbered(errno.EACCES),
    "broken": _numbered(errno.EIO),
    "full": _numbered(errno.ENOSPC),
    "unresolved": lambda: socket.gaierror(socket.EAI_AGAIN, SECRET),
    "503": lambda: ServerError(SECRET),
    "bug": lambda: RuntimeError(SECRET),
    "bare": lambda: OSError(SECRET),
}
_METHODS = ("*", "exists", "open", "save", "delete", "size", "listdir", "get_modified_time", "url")


@dataclass(frozen=True)
class Fault:
    """One stage: at which calls, and what becomes of them."""

    method: str
    error: str
    name: str | None = None
    nth: int | None = None
    partial: int | None = None
    stored_as: str | None = None


@dataclass(frozen=True)
class Plan:
    """One backend before it is built."""

    kind: str
    files: Sequence[str] = ()
    faults: Sequence[Fault] = ()
    read_only: bool = False
    denied_is_missing: bool = False


class ClaimingStorage(FileSystemStorage):
    """Claims to have whatever it is asked for, as a server of one page for every path."""

    def exists(self, name: str) -> bool:
        return True


class ReplacingStorage(FileSystemStorage):
    """Replaces a file of the same name, by the wish of its owner, and whole or not at all."""

    file_overwrite = True

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _save(self, name: str, content: File[Any]) -> str:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        data = b"".join(content.chunks())
        new = path.with_name(".new")
        new.write_bytes(data)
        new.replace(path)
        return name


class ReadingStorage(FileSystemStorage):
    """Stores what is left to be read of its content, as a client that rewinds nothing."""

    def _save(self, name: str, content: File[Any]) -> str:
        stored: str = super()._save(name, ContentFile(content.read()))  # type: ignore[misc]
        return stored


@dataclass
class Staged:
    """One backend: what lies beneath, the faults staged above it, and those that happened."""

    name: str
    plan: Plan
    beneath: Storage
    faulty: FaultyStorage
    happened: list[Fault] = field(default_factory=list)

    @property
    def storage(self) -> Storage:
        """What the combined storage is given."""
        if self.plan.kind == "nested":
            return FallbackStorage(backends=[self.faulty])
        return self.faulty

    @property
    def overwrites(self) -> bool:
        return self.plan.kind == "replacing"

    def files(self) -> dict[str, bytes]:
        """All that lies there, by name."""
        return dict(files_of(self.beneath))

    def holds(self, name: str) -> bool:
        try:
            return self.beneath.exists(name)
        except OSError:  # "a.txt/below.txt", where "a.txt" is a file
            return False

    def failed(self, *methods: str) -> bool:
        """Whether a call of one of these methods was met by a fault."""
        return any(fault.method in methods for fault in self.happened)

    @property
    def lost_the_file(self) -> bool:
        """Whether a save was cut off in the middle, which destroys what it was to replace."""
        return any(fault.partial is not None for fault in self.happened)

    def keeps_quiet(self) -> bool:
        """Whether it said *missing*, or nothing, because it was configured or staged to."""
        denied = self.plan.denied_is_missing and any(f.error == "denied" for f in self.happened)
        return denied or any(fault.error == "unsupported" for fault in self.happened)

    def stage(self, fault: Fault) -> None:
        self.faulty.stage(
            fault.method,
            name=_Nth(fault, self.happened),
            error=None if fault.stored_as else self._error_of(fault),
            partial=fault.partial,
            stored_as=fault.stored_as,
            lazy=self.plan.kind == "lazy" and fault.method == "open",
        )

    def _error_of(self, fault: Fault) -> Callable[[], BaseException]:
        def happen() -> BaseException:
            # A file opened lazily meets its fault later than its call.
            method = fault.method if fault.method != "*" else self.faulty.calls[-1].method
            self.happened.append(replace(fault, method=method.removeprefix("_")))
            if fault.error == "unsupported":
                return NotImplementedError(SECRET)
            return FAULTS[fault.error]()

        return happen


class _Nth:
    """Whether a call about a name, or any, is the one that is meant; ``None`` means each.

    A save under another name raises nothing that could tell that it happened: it is told here.
    """

    def __init__(self, fault: Fault, happened: list[Fault]) -> None:
        self.fault, self.happened, self.calls = fault, happened, 0

    def __call__(self, name: str) -> bool:
        if self.fault.name not in (None, name):
            return False
        self.calls += 1
        meant = self.fault.nth in (None, self.calls - 1)
        if meant and self.fault.stored_as:
            self.happened.append(self.fault)
        return meant


@dataclass
class World:
    """A combined storage and its backends."""

    storage: FallbackStorage
    backends: list[Staged]

    def forget(self) -> None:
        for backend in self.backends:
            backend.faulty.forget()
            backend.happened.clear()

    def heal(self) -> None:
        for backend in self.backends:
            backend.faulty.heal()
        reset_breakers(self.storage)

    def files(self) -> list[dict[str, bytes]]:
        return [backend.files() for backend in self.backends]


@contextmanager
def built(plans: Sequence[Plan], **options: Any) -> Iterator[World]:
    """The storage of these plans, in directories of its own."""
    with TemporaryDirectory() as directory:
        backends = [_build(f"backend {i}", plan, directory) for i, plan in enumerate(plans)]
        entries = [
            {
                "BACKEND": backend.storage,
                "NAME": backend.name,
                "READ_ONLY": backend.plan.read_only,
                "DENIED_IS_MISSING": backend.plan.denied_is_missing,
                # As the storages are whose files open late: FTP's, SFTP's.
                **({"THREADS": 1} if backend.plan.kind == "lazy" else {}),
            }
            for backend in backends
        ]
        yield World(FallbackStorage(backends=entries, **options), backends)


def _build(name: str, plan: Plan, directory: str) -> Staged:
    beneath = _storage(plan.kind, directory)
    for file in plan.files:
        beneath.save(file, ContentFile(old_content(name, file)))
    faulty = RemoteFaultyStorage if plan.kind == "lazy" else FaultyStorage
    staged = Staged(name, plan, beneath, faulty(beneath))
    for fault in plan.faults:
        staged.stage(fault)
    if plan.kind == "lazy":
        staged.faulty.stage("open", lazy=True)
    return staged


def _storage(kind: str, directory: str) -> Storage:
    if kind == "memory":
        return InMemoryStorage(location=mkdtemp(dir=directory))  # for a path of its own
    cls = _CLASSES.get(kind, FileSystemStorage)
    return cls(location=mkdtemp(dir=directory))


_CLASSES: dict[str, type[FileSystemStorage]] = {
    "claims all": ClaimingStorage,
    "reading": ReadingStorage,
    "replacing": ReplacingStorage,
}


def old_content(backend: str, name: str) -> bytes:
    return f"old {name} of {backend}".encode()


# What is drawn.

KINDS = ("fs", "memory", "lazy", "reading", "replacing", "nested")
FILES = ("a.txt", "d/a.txt", "d/e/b.tar.gz", "ü n.txt")


def faults(
    methods: Sequence[str] = _METHODS, *, errors: Sequence[str] = (*FAULTS,)
) -> st.SearchStrategy[Fault]:
    return st.builds(
        Fault,
        method=st.sampled_from(methods),
        error=st.sampled_from(errors),
        name=st.none() | st.sampled_from(FILES),
        nth=st.none() | st.integers(0, 3),
    )


#: A save that ends in the middle, or under another name.
_bad_saves = st.builds(
    Fault,
    method=st.just("save"),
    error=st.sampled_from((*FAULTS,)),
    nth=st.none() | st.integers(0, 1),
    partial=st.integers(0, 3),
) | st.builds(Fault, method=st.just("save"), error=st.just(""), stored_as=st.just("else.where"))


def plans(
    fault: st.SearchStrategy[Fault] | None = None, *, read_only: bool | None = None
) -> st.SearchStrategy[Plan]:
    return st.builds(
        Plan,
        kind=st.sampled_from(KINDS),
        files=st.lists(st.sampled_from(FILES), unique=True).map(tuple),
        faults=st.lists(faults() if fault is None else fault, max_size=3).map(tuple),
        read_only=st.booleans() if read_only is None else st.just(read_only),
        denied_is_missing=st.booleans(),
    )


def worlds(fault: st.SearchStrategy[Fault] | None = None) -> st.SearchStrategy[list[Plan]]:
    return st.lists(plans(fault), min_size=1, max_size=3)


def worlds_to_save_in() -> st.SearchStrategy[list[Plan]]:
    return worlds(faults() | _bad_saves)


names = st.sampled_from(NAMES)
files = st.sampled_from(FILES)
long_files = st.sampled_from((*FILES, "d/" + "long" * 9 + ".txt"))
on_fault = st.sampled_from(("failover", "raise", "skip"))
delete = st.sampled_from(("first", "all"))


@dataclass(frozen=True)
class Upload:
    """Content of a kind, made when it is saved."""

    kind: str
    data: bytes

    def __call__(self) -> Any:
        match self.kind:
            case "stream":
                return stream(self.data)
            case "plain":
                return io.BytesIO(self.data)
            case "read before":
                content = ContentFile(self.data)
                content.read()
                return content
        return ContentFile(self.data)


uploads = st.builds(
    Upload,
    kind=st.sampled_from(("content", "stream", "plain", "read before")),
    data=st.binary(min_size=4, max_size=40).map(b"new ".__add__),
)
