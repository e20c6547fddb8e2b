"""Every method, whatever two backends are, hold and suffer: exactly what the contract says."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage

from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage

from .oracle import HEALTHS, NAME, NEW, SUFFIXED, UP, Member, Oracle, came_to

KINDS = ("fs", "memory", "remote")
PLACES = {
    "first": (True, False),
    "second": (False, True),
    "both": (True, True),
    "neither": (False, False),
}
CONDITIONS = (UP, *HEALTHS)
WRITABLE, READ_ONLY = False, True
MODES = tuple(product((WRITABLE, READ_ONLY), repeat=2))
ON_FAULT = [{"on_fault": value} for value in ("failover", "raise", "skip")]
DELETE = [{"delete": value} for value in ("first", "all")]

Came = tuple[Any, ...]


class Backend:
    """A storage with the health of the cell, and the model of it that the oracle goes by."""

    def __init__(self, name: str, kind: str, directory: Path) -> None:
        self.name, self.kind = name, kind
        self.storage = _storage(name, kind, directory)
        self.slept: list[float] = []
        faulty = RemoteFaultyStorage if kind == "remote" else FaultyStorage
        self.faulty = faulty(self.storage, sleep=self.slept.append)
        self.files: dict[str, bytes] = {}

    def hold(self, *, file: bool) -> None:
        """Hold the one file, or nothing at all."""
        for name in dict(_files(self.storage)):
            self.storage.delete(name)
        self.files = {NAME: f"held by {self.name}".encode()} if file else {}
        for name, content in self.files.items():
            self.storage.save(name, ContentFile(content))

    def stored(self) -> dict[str, bytes]:
        """All that lies there, a random suffix written as ``*``."""
        return {re.sub(r"_\w{7}\b", "_*", name): held for name, held in _files(self.storage)}

    def suffer(self, health: str) -> None:
        """Fall ill as told, by the words that `FaultyStorage` has for it."""
        self.faulty.heal()
        error = None if health == UP else HEALTHS[health][1]
        if self.kind == "remote" and health != "unsupported":
            delay = 30 if health == "hanging" else None
            self.faulty.stage("open", lazy=True, error=error, delay=delay)
        match health:
            case "refusing":
                self.faulty.refusing()
            case "hanging":
                self.faulty.hanging(30)
            case "denied" | "denied is missing":
                self.faulty.denied()
            case "broken" | "unsupported":
                self.faulty.stage("*", error=error)

    def model(self, health: str, *, read_only: bool) -> Member:
        return Member(self.name, self.kind, self.storage, {**self.files}, health, read_only)


def _storage(name: str, kind: str, directory: Path) -> Storage:
    if kind == "memory":
        return InMemoryStorage(location=f"/memory/{name}", base_url=f"https://{name}.example/")
    location = mkdtemp(dir=directory)
    if kind == "remote":
        os.mkdir(os.path.join(location, "dir"))  # It has no directories to be missed.
    return FileSystemStorage(location=location, base_url=f"https://{name}.example/")


def _files(storage: Storage, directory: str = "") -> Iterator[tuple[str, bytes]]:
    directories, files = storage.listdir(directory)
    for name in files:
        with storage.open(f"{directory}{name}") as file:
            file.seek(0)
            yield f"{directory}{name}", file.read()
    for name in directories:
        yield from _files(storage, f"{directory}{name}/")


class World:
    """Two backends, and the cells made of their health, their modes and the options."""

    def __init__(self, kinds: Sequence[str], place: str, directory: Path) -> None:
        names = ("first", "second")
        self.place = PLACES[place]
        self.backends = [Backend(n, k, directory) for n, k in zip(names, kinds, strict=True)]
        self.put_back()

    def put_back(self) -> None:
        for backend, file in zip(self.backends, self.place, strict=True):
            backend.hold(file=file)

    def cells(
        self, options: Iterable[Mapping[str, str]], modes: Iterable[tuple[bool, bool]]
    ) -> Iterator[Cell]:
        for healths in product(CONDITIONS, CONDITIONS):
            for backend, health in zip(self.backends, healths, strict=True):
                backend.suffer(health)
            for chosen, read_only in product(options, modes):
                yield Cell(self.backends, healths, read_only, chosen)


class Cell:
    """A combined storage over the two, and the oracle of it."""

    def __init__(
        self,
        backends: Sequence[Backend],
        healths: Sequence[str],
        read_only: Sequence[bool],
        options: Mapping[str, str],
    ) -> None:
        self.name = f"{healths}, read-only {read_only}, {options}"
        self.backends, self.read_only = backends, read_only
        self.each = list(zip(backends, healths, read_only, strict=True))
        self.options = options
        self.storage = FallbackStorage(
            backends=[
                {
                    "BACKEND": backend.faulty,
                    "NAME": backend.name,
                    "READ_ONLY": mode,
                    "DENIED_IS_MISSING": health == "denied is missing",
                }
                for backend, health, mode in self.each
            ],
            **options,
        )

    def oracle(self) -> Oracle:
        members = [backend.model(health, read_only=mode) for backend, health, mode in self.each]
        return Oracle(members, **self.options)

    def written_read_only(self) -> list[str]:
        """The calls that were to change a read-only backend."""
        calls = [call for b, _, mode in self.each if mode for call in b.faulty.mutations]
        return [f"{call.method}({call.name!r})" for call in calls]


def read(storage: FallbackStorage) -> bytes:
    with storage.open(NAME) as file:
        content: bytes = file.read()
        return content


def write(mode: str, storage: FallbackStorage) -> None:
    with storage.open(NAME, mode) as file:
        file.write(NEW)


def listing(storage: FallbackStorage) -> list[list[str]]:
    return [sorted(names) for names in storage.listdir("dir")]


def explained(storage: FallbackStorage) -> tuple[str | None, list[Came]]:
    said = storage.explain(NAME)
    answers = [(a.backend, str(a.outcome), a.error_type, a.size, a.modified) for a in said.answers]
    return said.served_by, answers


def saved(storage: FallbackStorage) -> str:
    return re.sub(r"_\w{7}\b", "_*", storage.save(NAME, ContentFile(NEW)))


def first_answer(method: str) -> tuple[Callable[[FallbackStorage], Any], Callable[[Oracle], Any]]:
    return (
        lambda storage: getattr(storage, method)(NAME),
        lambda oracle: oracle.first_answer(method),
    )


#: How each read is asked, of the storage and of the oracle.
READS: dict[str, tuple[Callable[[FallbackStorage], Any], Callable[[Oracle], Any]]] = {
    "open": (read, Oracle.open_and_read),
    "exists": (lambda storage: storage.exists(NAME), Oracle.exists),
    "locate": (lambda storage: storage.locate(NAME), Oracle.locate),
    "listdir": (listing, Oracle.listdir),
    "url": (lambda storage: storage.url(NAME), Oracle.url),
    "path": (lambda storage: storage.path(NAME), Oracle.path),
    "explain": (explained, Oracle.explain),
    **{
        method: first_answer(method)
        for method in ("size", "get_accessed_time", "get_created_time", "get_modified_time")
    },
}
OPENS: dict[str, tuple[Callable[[FallbackStorage], Any], Callable[[Oracle], Any]]] = {
    mode: (partial(write, mode), partial(Oracle.write, mode=mode))
    for mode in ("wb", "ab", "r+b", "xb")
}
SAVE = (saved, Oracle.save)
DELETES = (lambda storage: storage.delete(NAME), Oracle.delete)

each_pair_of_kinds = pytest.mark.parametrize("kinds", product(KINDS, KINDS), ids="-".join)
each_place = pytest.mark.parametrize("place", PLACES)


@each_pair_of_kinds
@each_place
def test_reads_come_to_what_the_contract_says(
    kinds: Sequence[str], place: str, tmp_path: Path
) -> None:
    world = World(kinds, place, tmp_path)
    wrong = []
    for cell in world.cells(ON_FAULT, [(WRITABLE, WRITABLE)]):
        oracle = cell.oracle()
        for method, (ask, foretell) in READS.items():
            expected = came_to(partial(foretell, oracle))
            came = came_to(partial(ask, cell.storage))
            if came != expected:
                wrong.append(f"{method}: {cell.name}\n  {came}, not {expected}")
    assert not wrong, "\n".join([f"{len(wrong)} cells:", *wrong[:20]])
