"""Every method, whatever two backends are, hold and suffer: exactly what the contract says."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage

from .oracle import HEALTHS, NAME, NEW, UP, Member, Oracle, came_to
from .storages import files_of, reset_breakers, storage_of

KINDS = ("fs", "memory", "remote")
PLACES = {
    "first": (True, False),
    "second": (False, True),
    "both": (True, True),
    "neither": (False, False),
}
# One fault differs from another only in what is raised: of two different ones every third pair.
CONDITIONS = [
    pair for i, pair in enumerate(product((UP, *HEALTHS), repeat=2)) if UP in pair or i % 3 == 0
]
#: What needs a server.
SERVED = (
    *("exists", "open", "save", "delete", "size", "listdir"),
    *("get_accessed_time", "get_created_time", "get_modified_time"),
)
WRITABLE, READ_ONLY = False, True
MODES = tuple(product((WRITABLE, READ_ONLY), repeat=2))
ON_FAULT = ("failover", "raise", "skip")

Came = tuple[Any, ...]


class Backend:
    """A storage with the health of the cell, and the model of it that the oracle goes by."""

    def __init__(self, name: str, kind: str, directory: Path) -> None:
        self.name, self.kind = name, kind
        self.storage = storage_of(name, kind, directory)
        self.slept: list[float] = []
        faulty = RemoteFaultyStorage if kind == "remote" else FaultyStorage
        self.faulty = faulty(self.storage, sleep=self.slept.append)
        self.files: dict[str, bytes] = {}

    def hold(self, *, file: bool) -> None:
        """Hold the one file, or nothing at all."""
        self.files = {NAME: f"held by {self.name}".encode()} if file else {}
        for name in dict(files_of(self.storage)):
            self.storage.delete(name)
        for name, content in self.files.items():
            self.storage.save(name, ContentFile(content))

    def stored(self) -> dict[str, bytes]:
        """All that lies there, a random suffix written as ``*``."""
        return {re.sub(r"_\w{7}\b", "_*", name): held for name, held in files_of(self.storage)}

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
            case "denied":
                self.faulty.denied()
            case "denied is missing":
                for method in SERVED:
                    self.faulty.stage(method, error=error)
            case "broken" | "unsupported":
                self.faulty.stage("*", error=error)

    def model(self, health: str, *, read_only: bool) -> Member:
        return Member(self.name, self.kind, self.storage, {**self.files}, health, read_only)


# What bounds the second backend: the threads of its own change nothing of what it comes to.
BOUNDS: Mapping[str, Mapping[str, int]] = {
    "fs": {},
    "memory": {"THREADS": 1},
    "remote": {"TIMEOUT": 60},
}


class World:
    """Two backends, and the cells made of their health, their modes and the options."""

    def __init__(self, kinds: Sequence[str], place: str, directory: Path) -> None:
        names = ("first", "second")
        self.backends = [Backend(n, k, directory) for n, k in zip(names, kinds, strict=True)]
        for backend, file in zip(self.backends, PLACES[place], strict=True):
            backend.hold(file=file)

    def cells(
        self,
        modes: Iterable[Sequence[bool]] = MODES[:1],
        **options: Sequence[str],
    ) -> Iterator[Cell]:
        """A cell for each, the backends in the health of the cell that is asked for last."""
        chosen = [dict(zip(options, values, strict=True)) for values in product(*options.values())]
        for healths in CONDITIONS:
            for backend, health in zip(self.backends, healths, strict=True):
                backend.suffer(health)
            for options_of_one, read_only in product(chosen, modes):
                yield Cell(self, healths, read_only, options_of_one)


class Cell:
    """A combined storage over the two, and the oracle of it."""

    def __init__(
        self,
        world: World,
        healths: Sequence[str],
        read_only: Sequence[bool],
        options: Mapping[str, Any],
    ) -> None:
        self.world, self.healths = world, healths
        self.read_only, self.options = read_only, options
        self.each = list(zip(world.backends, healths, read_only, strict=True))
        self.storage = FallbackStorage(
            backends=[
                {
                    "BACKEND": backend.faulty,
                    "NAME": backend.name,
                    "READ_ONLY": mode,
                    # Of a denial that is not a server's 403 it changes nothing.
                    "DENIED_IS_MISSING": health.startswith("denied"),
                    **(BOUNDS[backend.kind] if backend is world.backends[-1] else {}),
                }
                for backend, health, mode in self.each
            ],
            **options,
        )

    def __str__(self) -> str:
        return f"{self.healths}, read-only {self.read_only}, {self.options}"

    def ask(self, ask: Ask, foretell: Foretell) -> tuple[Came, Came]:
        """What it comes to and what it should: the answer or error, and what lies where then."""
        members = [backend.model(health, read_only=mode) for backend, health, mode in self.each]
        expected = came_to(partial(foretell, Oracle(members, **self.options)))
        for backend in self.world.backends:
            backend.faulty.forget()
        reset_breakers(self.storage)
        came = came_to(partial(ask, self.storage))
        if not any(backend.faulty.mutations for backend in self.world.backends):
            return came, expected
        stored, trespasses = self.stored(), self.trespasses()
        return (came, stored, trespasses), (expected, [m.files for m in members], [])

    def stored(self) -> list[dict[str, bytes]]:
        """What lies in each, which is then put back as it was."""
        stored = [backend.stored() for backend in self.world.backends]
        for backend, files in zip(self.world.backends, stored, strict=True):
            if files != backend.files:
                backend.hold(file=bool(backend.files))
        return stored

    def trespasses(self) -> list[str]:
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


Ask = Callable[[FallbackStorage], Any]
Foretell = Callable[[Oracle], Any]

#: How each is asked: the storage, and the oracle.
READS: dict[str, tuple[Ask, Foretell]] = {
    "open": (read, Oracle.open_and_read),
    "exists": (lambda storage: storage.exists(NAME), Oracle.exists),
    "locate": (lambda storage: storage.locate(NAME), Oracle.locate),
    "listdir": (listing, Oracle.listdir),
    "url": (lambda storage: storage.url(NAME), Oracle.url),
    "explain": (explained, Oracle.explain),
    **{
        method: first_answer(method)
        for method in ("size", "get_accessed_time", "get_created_time", "get_modified_time")
    },
}
PATH: dict[str, tuple[Ask, Foretell]] = {"path": (lambda storage: storage.path(NAME), Oracle.path)}
SAVE: dict[str, tuple[Ask, Foretell]] = {"save": (saved, Oracle.save)}
OPEN: dict[str, tuple[Ask, Foretell]] = {
    mode: (partial(write, mode), partial(Oracle.write, mode=mode)) for mode in ("ab", "r+b", "xb")
}
REPLACE: dict[str, tuple[Ask, Foretell]] = {
    "wb": (partial(write, "wb"), partial(Oracle.write, mode="wb"))
}
DELETE: dict[str, tuple[Ask, Foretell]] = {
    "delete": (lambda storage: storage.delete(NAME), Oracle.delete)
}


@pytest.fixture(autouse=True)
def _silence(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody reads here what is logged of a hundred thousand faults."""
    caplog.set_level(logging.CRITICAL, "fallback_storage")


# The pairs that people have, a remote one last, are enough for a first look, and for coverage.
REST = (pytest.mark.slow,)
each_pair_of_kinds = pytest.mark.parametrize(
    "kinds",
    [
        pytest.param(kinds, marks=() if kinds[-1] == "remote" else REST)
        for kinds in product(KINDS, KINDS)
    ],
    ids="-".join,
)
each_place = pytest.mark.parametrize("place", PLACES)


def compare(methods: Mapping[str, tuple[Ask, Foretell]], cells: Iterable[Cell]) -> None:
    """Fail with the cells that come to something else than the oracle foretells."""
    wrong = [
        f"{method}: {cell}\n  {came}, not {expected}"
        for cell in cells
        for method, (ask, foretell) in methods.items()
        for came, expected in [cell.ask(ask, foretell)]
        if came != expected
    ]
    assert not wrong, "\n".join([f"{len(wrong)} cells:", *wrong[:20]])


@each_pair_of_kinds
@each_place
def test_reads_come_to_what_the_contract_says(
    kinds: Sequence[str], place: str, tmp_path: Path
) -> None:
    world = World(kinds, place, tmp_path)
    compare(READS, world.cells(on_fault=ON_FAULT))


@each_pair_of_kinds
@each_place
def test_the_path_is_the_holders(kinds: Sequence[str], place: str, tmp_path: Path) -> None:
    world = World(kinds, place, tmp_path)
    compare(PATH, world.cells(on_fault=ON_FAULT))
    compare(PATH, world.cells(MODES[1:]))


@each_pair_of_kinds
@each_place
def test_a_file_is_saved_once_and_whole(kinds: Sequence[str], place: str, tmp_path: Path) -> None:
    world = World(kinds, place, tmp_path)
    compare(SAVE, world.cells(MODES))


@each_pair_of_kinds
@each_place
def test_a_file_is_written_where_it_lies_or_in_the_first_that_can(
    kinds: Sequence[str], place: str, tmp_path: Path
) -> None:
    world = World(kinds, place, tmp_path)
    compare(REPLACE, world.cells(MODES))
    compare(OPEN, world.cells(on_fault=ON_FAULT))
    compare(OPEN, world.cells(MODES[1:]))


@each_pair_of_kinds
@each_place
def test_a_file_is_deleted_where_the_policy_says(
    kinds: Sequence[str], place: str, tmp_path: Path
) -> None:
    world = World(kinds, place, tmp_path)
    compare(DELETE, world.cells(MODES, delete=("first", "all")))
