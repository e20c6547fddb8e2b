"""Whatever is done to an OverlayStorage, it is what a dictionary over a frozen one would be."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from types import MappingProxyType
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fallback_storage.errors import StorageUnavailable
from fallback_storage.names import TEMPORARY
from fallback_storage.storage import OverlayStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage

from .storages import reset_breakers

#: As many steps as `make soak` asks for, else as a suite has time for.
STEPS = int(os.environ.get("OVERLAY_STEPS", "500"))
STEPS_OF_ONE = 50

NAMES = ("a.txt", "d/a.txt", "d/e/b.bin", "d/ü n.txt", "long" * 63 + ".tx", "below.txt")
PRODUCTION: Mapping[str, bytes] = MappingProxyType(
    {name: f"production's {name}".encode() * 40 for name in NAMES[1:]}
)
FAULTS = {
    "refused": OSError(errno.ECONNREFUSED, "refused"),
    "denied": OSError(errno.EACCES, "denied"),
    "broken": OSError(errno.EIO, "broken"),
}

names = st.sampled_from(NAMES)
actors = st.integers(0, 1)
contents = st.binary(max_size=30).map(b"new ".__add__)


class OverlayMachine(RuleBasedStateMachine):
    """One actor, or two over the same directories, each with a storage of its own."""

    steps = 0

    @initialize(kind=st.sampled_from(("disk", "faulty")), promote=st.booleans())
    def begin(self, kind: str, promote: bool) -> None:
        self.directory = mkdtemp()
        self.kind = kind
        self.promote = promote
        self.files: dict[str, bytes] = {}
        self.hidden: set[str] = set()
        self.ill: set[str] = set()
        lower = FileSystemStorage(os.path.join(self.directory, "lower"))
        for name, content in PRODUCTION.items():
            lower.save(name, ContentFile(content))
        self.before = snapshot(str(lower.location))
        self.restart(promote)

    def teardown(self) -> None:
        if hasattr(self, "directory"):
            rmtree(self.directory)

    # The model.

    def model(self) -> dict[str, bytes]:
        below = {name: c for name, c in PRODUCTION.items() if name not in self.hidden}
        return below | self.files

    def asks_below(self, name: str) -> bool:
        return name not in self.files and name not in self.hidden

    def fails(self, name: str) -> bool:
        """Whether what is asked about a name must be an error now."""
        return "upper" in self.ill or ("lower" in self.ill and self.asks_below(name))

    # What is done.

    @rule(promote=st.booleans())
    def restart(self, promote: bool) -> None:
        """New storages over the same directories."""
        self.promote = promote
        self.ill = set()
        self.upper = FileSystemStorage(os.path.join(self.directory, "upper"))
        os.makedirs(self.upper.location, exist_ok=True)
        self.faulty_upper = FaultyStorage(self.upper)
        self.lower = RemoteFaultyStorage(FileSystemStorage(os.path.join(self.directory, "lower")))
        upper = self.upper if self.kind == "disk" else self.faulty_upper
        entries: list[Mapping[str, Any]] = [
            {"BACKEND": upper, "NAME": "upper"},
            {"BACKEND": self.lower, "NAME": "lower"},
        ]
        self.actors = [OverlayStorage(backends=entries, promote=p) for p in (promote, False)]

    @rule(who=st.sampled_from(("upper", "lower")), fault=st.sampled_from(sorted(FAULTS)))
    def fall_ill(self, who: str, fault: str) -> None:
        if who == "upper" and self.kind == "disk":
            return
        storage = self.faulty_upper if who == "upper" else self.lower
        storage.stage("*", error=FAULTS[fault])
        self.ill.add(who)

    @precondition(lambda self: self.ill)
    @rule()
    def heal(self) -> None:
        self.faulty_upper.heal()
        self.lower.heal()
        self.ill = set()
        for storage in self.actors:
            reset_breakers(storage)

    @rule(actor=actors, name=names, content=contents)
    def save(self, actor: int, name: str, content: bytes) -> None:
        storage = self.actors[actor]
        if "upper" in self.ill:
            with pytest.raises(StorageUnavailable):
                storage.save(name, ContentFile(content), max_length=300)
            return
        if len(name) > 250 and (self.fails(name) or name in self.model()):
            return  # A suffix would be too long for a file system.
        stored = storage.save(name, ContentFile(content))
        free = not self.fails(name) and name not in self.model()
        assert (stored == name) is free
        if not free:  # The model knows few names: this one is put out of its sight again.
            assert read(storage, stored) == content
            self.upper.delete(stored)
        else:
            self.files[name] = content

    @rule(actor=actors, name=names)
    def delete(self, actor: int, name: str) -> None:
        storage = self.actors[actor]
        if "upper" in self.ill:
            with pytest.raises(StorageUnavailable):
                storage.delete(name)
            return
        storage.delete(name)
        self.files.pop(name, None)
        if name in PRODUCTION or "lower" in self.ill:
            self.hidden.add(name)

    @rule(actor=actors, name=names, mode=st.sampled_from(("rb", "r")))
    def open_for_reading(self, actor: int, name: str, mode: str) -> None:
        storage, model = self.actors[actor], self.model()
        if self.fails(name):
            with pytest.raises(StorageUnavailable):
                storage.open(name, mode)
        elif name not in model:
            with pytest.raises(FileNotFoundError):
                storage.open(name, mode)
        elif mode == "rb":
            assert read(storage, name) == model[name]
        else:
            storage.open(name, mode).close()
        if storage.options.promotion and name in model and not self.fails(name):
            self.files[name] = model[name]

    @rule(
        actor=actors,
        name=names,
        mode=st.sampled_from(("wb", "ab", "r+b", "xb")),
        content=contents,
    )
    def open_for_writing(self, actor: int, name: str, mode: str, content: bytes) -> None:
        storage, model = self.actors[actor], self.model()
        fails = "upper" in self.ill if mode == "wb" else self.fails(name)
        error = (
            StorageUnavailable
            if fails
            else FileExistsError
            if mode == "xb" and name in model
            else FileNotFoundError
            if mode == "r+b" and name not in model
            else None
        )
        if error is not None:
            with pytest.raises(error):
                storage.open(name, mode)
            return
        with storage.open(name, mode) as file:
            file.write(content)
        old = model.get(name, b"")
        self.files[name] = {
            "wb": content,
            "xb": content,
            "ab": old + content,
            "r+b": content + old[len(content) :],
        }[mode]

    @rule(first=names, second=names, content=contents)
    def interleave(self, first: str, second: str, content: bytes) -> None:
        """One opens a file, the other deletes it and saves another; the open one stays whole."""
        if self.ill or first not in self.model():
            return
        with self.actors[0].open(first) as file:
            if self.actors[0].options.promotion:
                self.files[first] = self.model()[first]
            was = self.model()[first]
            self.delete(1, first)
            self.save(1, second, content)
            assert file.read() == was

    @rule(actor=actors, name=names)
    def a_whiteout_is_nobodys_file(self, actor: int, name: str) -> None:
        directory, base = os.path.split(name)
        reserved = os.path.join(directory, f".wh.{base}")
        storage = self.actors[actor]
        for ask in (storage.exists, storage.open, storage.delete, storage.url, storage.listdir):
            with pytest.raises(SuspiciousFileOperation):
                ask(reserved)

    # What is always so.

    @invariant()
    def it_is_the_model(self) -> None:
        OverlayMachine.steps += 1
        if not hasattr(self, "actors"):
            return
        for storage in self.actors:
            for name in NAMES:
                self._agrees(storage, name)
            self._lists(storage, "")
            self._lists(storage, "d")

    def _agrees(self, storage: OverlayStorage, name: str) -> None:
        model = self.model()
        if self.fails(name):
            for ask in (storage.exists, storage.size, storage.locate):
                with pytest.raises(StorageUnavailable):
                    ask(name)
            return
        assert storage.exists(name) is (name in model)
        holder = "upper" if name in self.files else "lower" if name in model else None
        assert storage.locate(name) == holder
        if name in model:
            assert storage.size(name) == len(model[name])
            if not storage.options.promotion:
                assert read(storage, name) == model[name]
        else:
            with pytest.raises(FileNotFoundError):
                storage.size(name)

    def _lists(self, storage: OverlayStorage, directory: str) -> None:
        if self.ill:
            with pytest.raises(StorageUnavailable):
                storage.listdir(directory)
            return
        directories, files = storage.listdir(directory)
        assert len({*directories, *files}) == len(directories) + len(files)
        model = self.model()
        assert set(files) == {
            os.path.basename(n) for n in model if os.path.dirname(n) == directory
        }
        assert set(directories) == ({"d"} if directory == "" else {"e"})

    @invariant()
    def production_is_as_it_was(self) -> None:
        if hasattr(self, "actors"):
            assert self.lower.mutations == []
            assert snapshot(self.lower.location) == self.before

    @invariant()
    def nothing_is_left_over(self) -> None:
        if hasattr(self, "actors"):
            names = [name for name, *_ in snapshot(str(self.upper.location))]
            # What begins so, and goes on otherwise, is the whiteout of a long name.
            assert [name for name in names if f"{TEMPORARY}new-" in name] == []


def read(storage: OverlayStorage, name: str) -> bytes:
    with storage.open(name) as file:
        content: bytes = file.read()
        return content


def snapshot(directory: str) -> list[tuple[str, bytes, int]]:
    return sorted(_files(directory))


def _files(directory: str) -> Iterator[tuple[str, bytes, int]]:
    for folder, _, files in os.walk(directory):
        for name in files:
            path = Path(folder, name)
            yield str(path), path.read_bytes(), path.stat().st_mtime_ns


@pytest.fixture(autouse=True)
def _silence(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "fallback_storage")


@pytest.mark.slow
def test_an_overlay_is_a_dictionary_over_a_frozen_one() -> None:
    OverlayMachine.steps = 0
    chosen: Any = settings(
        max_examples=STEPS * 3 // 2 // STEPS_OF_ONE,
        stateful_step_count=STEPS_OF_ONE,
        deadline=None,
    )
    run_state_machine_as_test(OverlayMachine, settings=chosen)
    assert OverlayMachine.steps >= STEPS
