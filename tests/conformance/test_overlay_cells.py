"""Every method of an OverlayStorage, whatever its backends are, hold and suffer."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from fallback_storage.storage import OverlayStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage

from .oracle import NAME, NEW, came_to
from .overlay_oracle import HEALTHS, UP, WHITEOUT, Layer, Overlay
from .storages import files_of, storage_of

#: "disk" is Django's own storage, which nothing can be staged for.
UPPERS = ("disk", "fs", "memory", "remote")
#: What people have is a remote one, which is enough for a first look, and for coverage.
REST = (pytest.mark.slow,)
LOWERS = ("remote", pytest.param("fs", marks=REST), pytest.param("memory", marks=REST))
#: What the upper and the lower hold.
PLACES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "upper": ((NAME,), ()),
    "lower": ((), (NAME,)),
    "both": ((NAME,), (NAME,)),
    "whiteout": ((WHITEOUT,), (NAME,)),
    "whiteout and upper": ((WHITEOUT, NAME), (NAME,)),
    "neither": ((), ()),
}

Ask = Callable[[OverlayStorage], Any]
Foretell = Callable[[Overlay], Any]


class Backend:
    """A storage in the health of the cell, and what it is to hold."""

    def __init__(self, name: str, kind: str, directory: Path, names: tuple[str, ...]) -> None:
        self.name, self.kind = name, kind
        self.beneath = storage_of(name, kind, directory)
        faulty = RemoteFaultyStorage if kind == "remote" else FaultyStorage
        self.faulty = faulty(self.beneath)
        self.storage = self.beneath if kind == "disk" else self.faulty
        self.files = {n: b"" if n == WHITEOUT else f"{n} of {name}".encode() for n in names}
        self.restore()

    def restore(self) -> None:
        """Hold what the placing says, and nothing else."""
        for name in self.stored(masked=False):
            self.beneath.delete(name)
        if self.beneath.exists("dir") and self.kind != "remote":
            self.beneath.delete("dir")
        for name, content in self.files.items():
            self.beneath.save(name, ContentFile(content))

    def stored(self, *, masked: bool = True) -> dict[str, bytes]:
        """All that lies there, a random suffix written as ``*``."""
        stored = dict(files_of(self.beneath))
        return {re.sub(r"_\w{7}\b", "_*", n) if masked else n: c for n, c in stored.items()}

    def suffer(self, health: str) -> None:
        self.faulty.heal().forget()
        match health:
            case "refusing":
                self.faulty.refusing()
            case "denied":
                self.faulty.denied()
            case "broken":
                self.faulty.stage("*", error=HEALTHS[health])

    def layer(self, health: str) -> Layer:
        has_directory = bool(self.files) or self.kind == "remote"
        return Layer(self.name, self.kind, self.beneath, health, {**self.files}, has_directory)


def read(storage: OverlayStorage) -> bytes:
    with storage.open(NAME) as file:
        content: bytes = file.read()
        return content


def write(mode: str, storage: OverlayStorage) -> None:
    with storage.open(NAME, mode) as file:
        file.write(NEW)


def saved(storage: OverlayStorage) -> str:
    return re.sub(r"_\w{7}\b", "_*", storage.save(NAME, ContentFile(NEW)))


def fact(method: str) -> tuple[Ask, Foretell]:
    return lambda storage: getattr(storage, method)(NAME), lambda overlay: overlay.fact(method)


FACTS = ("size", "get_accessed_time", "get_created_time", "get_modified_time")
METHODS: dict[str, tuple[Ask, Foretell]] = {
    **{method: fact(method) for method in FACTS},
    "open": (read, Overlay.open),
    "exists": (lambda storage: storage.exists(NAME), Overlay.exists),
    "locate": (lambda storage: storage.locate(NAME), Overlay.locate),
    "listdir": (
        lambda storage: [sorted(names) for names in storage.listdir("dir")],
        Overlay.listdir,
    ),
    "url": (lambda storage: storage.url(NAME), Overlay.url),
    "path": (lambda storage: storage.path(NAME), Overlay.path),
    "save": (saved, Overlay.save),
    **{
        mode: (partial(write, mode), partial(Overlay.write, mode=mode))
        for mode in ("wb", "ab", "r+b", "xb")
    },
    "delete": (lambda storage: storage.delete(NAME), Overlay.delete),
}

#: Those that promote, and those that never do.
ON_PROMOTION = ("open", "path", "exists", "size", "url", "listdir")


@pytest.fixture(autouse=True)
def _silence(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "fallback_storage")


@pytest.mark.parametrize("promote", [False, True], ids=["", "promote"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("lower", LOWERS)
@pytest.mark.parametrize("upper", UPPERS)
def test_every_method_comes_to_what_is_promised(
    upper: str, lower: str, place: str, promote: bool, tmp_path: Path
) -> None:
    wrong = [
        f"{method}, {healths}:\n  {came}\n  not {expected}"
        for method, healths, came, expected in _cells(upper, lower, place, promote, tmp_path)
        if came != expected
    ]
    assert not wrong, "\n".join([f"{len(wrong)} cells:", *wrong[:20]])


def _cells(
    upper: str, lower: str, place: str, promote: bool, directory: Path
) -> Iterator[tuple[str, tuple[str, str], Any, Any]]:
    above = Backend("upper", upper, directory, PLACES[place][0])
    below = Backend("lower", lower, directory, PLACES[place][1])
    storage = overlay_of(above, below, promote=promote)
    for healths in product([UP] if upper == "disk" else HEALTHS, HEALTHS):
        for method in ON_PROMOTION if promote else METHODS:
            ask, foretell = METHODS[method]
            above.suffer(healths[0])
            below.suffer(healths[1])
            model = Overlay(above.layer(healths[0]), below.layer(healths[1]), promote)
            expected: Any = came_to(partial(foretell, model)), model.upper.files, below.files, []
            came = came_to(partial(ask, storage))
            mutations = [call.method for call in below.faulty.mutations]
            yield method, healths, (came, above.stored(), below.stored(), mutations), expected
            if above.stored(masked=False) != above.files:
                above.restore()


def overlay_of(above: Backend, below: Backend, **options: Any) -> OverlayStorage:
    backends: list[Mapping[str, Any]] = [
        {"BACKEND": above.storage, "NAME": above.name},
        {"BACKEND": below.storage, "NAME": below.name, "TIMEOUT": 60},
    ]
    return OverlayStorage(backends=backends, **options)
