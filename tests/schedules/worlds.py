"""Small worlds: a combined storage of two backends for each actor, and one name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.files.storage import FileSystemStorage, Storage

from .disk import RESERVED, files_below
from .processes import process
from .s3 import s3_storage
from .stage import Stage
from .stores import ObjectStore

NAME = "a.txt"
OLDER = b"what the second backend has"
NEWER = b"what the first backend has, which is newer"
WHITEOUT = f".wh.{NAME}"

#: Which backends have the name at first; "deleted": the second, under a whiteout.
PLACINGS = ("nowhere", "first", "second", "both", "deleted")


@dataclass(frozen=True)
class World:
    """What there is before the actors begin. Its text says all of it."""

    #: "overlay", "fallback", or "fallback-all", which deletes from every backend.
    kind: str
    #: What the first backend is: "disk", "objects" or "s3"; with "-over" it overwrites.
    first: str
    #: What the second one is: "kept", a read-only disk, or "spare", a disk that is written where
    #: the first backend cannot be.
    second: str
    #: Where the name is: one of the placings.
    placing: str
    promotes: bool
    #: Whether the actors are two processes, else two threads of one.
    apart: bool

    def __str__(self) -> str:
        promotes = "promoting" if self.promotes else "plain"
        apart = "processes" if self.apart else "threads"
        return ",".join((self.kind, self.first, self.second, self.placing, promotes, apart))

    @classmethod
    def parse(cls, text: str) -> World:
        """Return the world of a text."""
        kind, first, second, placing, promotes, apart = text.split(",")
        return cls(kind, first, second, placing, promotes == "promoting", apart == "processes")

    @property
    def is_overlay(self) -> bool:
        return self.kind == "overlay"

    @property
    def is_local(self) -> bool:
        """Whether the first backend is a disk too."""
        return self.first.startswith("disk")

    @property
    def overwrites(self) -> bool:
        return self.first.endswith("-over")

    @property
    def second_is_kept(self) -> bool:
        return self.second == "kept"

    def files(self, backend: str) -> dict[str, bytes]:
        """Return what a backend has at first."""
        if backend == "second":
            return {NAME: OLDER} if self.placing in ("second", "both", "deleted") else {}
        if self.placing == "deleted":
            return {WHITEOUT: b""}
        return {NAME: NEWER} if self.placing in ("first", "both") else {}


class Place:
    """A world as it is built: filled anew for every run."""

    def __init__(self, world: World, stage: Stage) -> None:
        self.world = world
        self._stage = stage
        stage.disk.frozen = "second" if world.second_is_kept else None
        for backend in ("first", "second"):
            _fill(self._root(backend), world.files(backend))

    def _root(self, backend: str) -> str:
        return os.path.join(self._stage.disk.root, backend)

    def fill(self) -> None:
        """Let everything be as it was at first."""
        for backend in ("first", "second"):
            if self.files(backend) == self.world.files(backend):
                continue
            if backend == "first" and not self.world.is_local:
                self._stage.bucket.clear()
                self._stage.bucket.update(self.world.files(backend))
            else:
                _fill(self._root(backend), self.world.files(backend))

    def files(self, backend: str) -> dict[str, bytes]:
        """Return all that lies in a backend."""
        if backend == "first" and not self.world.is_local:
            return dict(self._stage.bucket)
        return dict(files_below(self._root(backend)))

    def fingerprint(self) -> object:
        """Return all that both actors may see: not what its maker keeps for itself."""
        return tuple(
            tuple(sorted(item for item in self.files(backend).items() if RESERVED not in item[0]))
            for backend in ("first", "second")
        )

    def problems(self, *, is_disturbed: bool) -> Iterator[str]:
        """Yield what no run may leave behind."""
        if self.world.second_is_kept and self.files("second") != self.world.files("second"):
            yield "the read-only backend is changed"
        if not is_disturbed and any(RESERVED in name for name in self.files("first")):
            yield "a temporary is left"

    # The combined storages.

    @cached_property
    def of_actors(self) -> tuple[Any, Any]:
        """The combined storages of both actors; two threads use the same one."""
        one = self.combined("A")
        return one, self.combined("B") if self.world.apart else one

    def combined_of_another(self) -> Any:
        """Return a combined storage that is fresh, of a process of its own if the actors' are."""
        return self.combined("C" if self.world.apart else "A")

    def combined(self, process_name: str) -> Any:
        """Return a combined storage of a process."""
        world = self.world
        first = {"BACKEND": self._first(process_name), "NAME": "first", "BREAKER": False}
        second = {
            "BACKEND": self._local("second"),
            "NAME": "second",
            "READ_ONLY": world.second_is_kept,
        }
        options: dict[str, Any] = {"promote": True} if world.promotes else {}
        if world.kind == "fallback-all":
            options["delete"] = "all"
        kind = "OverlayStorage" if world.is_overlay else "FallbackStorage"
        return process(process_name).combined(kind, [first, second], **options)

    def _first(self, process_name: str) -> Storage:
        if self.world.is_local:
            return self._local("first", **self._overwriting("allow_overwrite"))
        overwriting = self._overwriting("file_overwrite")
        if self.world.first.startswith("objects"):
            return ObjectStore(self._stage.bucket, "first", **overwriting)
        key = f"{process_name} {overwriting}"
        if key not in self._stage.s3:
            self._stage.s3[key] = s3_storage(**overwriting)
        return self._stage.s3[key]

    def _overwriting(self, option: str) -> dict[str, bool]:
        return {option: True} if self.world.overwrites else {}

    def _local(self, backend: str, **options: Any) -> Storage:
        return FileSystemStorage(self._root(backend), f"https://{backend}.example/", **options)


def _fill(root: str, files: dict[str, bytes]) -> None:
    shutil.rmtree(root, ignore_errors=True)
    os.mkdir(root)
    for name, content in files.items():
        with open(os.path.join(root, name), "wb") as file:
            file.write(content)
