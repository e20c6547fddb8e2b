"""Whether an order of the two operations explains what they came to, and what lies there then."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from typing import Any

from django.core.files.base import ContentFile

from .model import UNTOLD, Memory, Model, parts_of
from .worlds import NAME, Place, World


@dataclass(frozen=True)
class Told:
    """What one actor's operation came to, as far as it went."""

    actor: str
    operation: str
    results: tuple[Any, ...]
    #: How many of the other's parts were over when each part began.
    began: tuple[int, ...]
    #: Whether it ended in the middle of a part.
    is_cut_off: bool
    met_full_disk: bool

    def __str__(self) -> str:
        results = ", ".join(_shown(result) for result in self.results)
        end = " and was cut off" if self.is_cut_off else ""
        return f"{self.actor}: {self.operation} -> {results or 'nothing'}{end}"


def _shown(result: Any) -> str:
    return f"{type(result).__name__}: {result}" if isinstance(result, Exception) else repr(result)


@dataclass(frozen=True)
class Seen:
    """What a process that comes afterwards finds."""

    files: tuple[tuple[str, bytes], ...]
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return f"afterwards: {dict(self.files)}"


def look(place: Place) -> Seen:
    """Look at everything with a fresh combined storage, then use it once."""
    storage = place.combined_of_another()
    files: dict[str, bytes] = {}
    try:
        problems = [*_read_all(storage, files), *_use(place, storage)]
    except Exception as error:  # Whatever it is, there is no reason for it.
        problems = [f"afterwards it raises {type(error).__name__}: {error}"]
    return Seen(tuple(sorted(files.items())), tuple(problems))


def _read_all(storage: Any, files: dict[str, bytes]) -> Iterator[str]:
    """Read all files into ``files``; yield what is not told the same everywhere."""
    listed = storage.listdir("")[1]
    for name in sorted({*listed, NAME}):
        content = _content(storage, name)
        if content is not None:
            files[name] = content
        if not storage.exists(name) == (name in listed) == (content is not None):
            yield "exists, listdir and open do not agree"


def _content(storage: Any, name: str) -> bytes | None:
    try:
        with storage.open(name) as file:
            content: bytes = file.read()
            return content
    except FileNotFoundError:
        return None


def _use(place: Place, storage: Any) -> Iterator[str]:
    """Yield what cannot be done any more."""
    stored = storage.save(NAME, ContentFile(b"afterwards"))
    if _content(storage, stored) != b"afterwards":
        yield "what is saved afterwards is not read"
    if place.world.is_overlay:
        storage.delete(NAME)
        if storage.exists(NAME):
            yield "what is deleted afterwards is still there"


def explains(start: Model, told: tuple[Told, Told], seen: Seen) -> bool:
    """Return whether some order of the parts leads to what was told and seen."""
    return any(
        _Search(start.world, told, dict(seen.files)).finds(deepcopy(start), (0, 0), memories)
        for memories in product(*(_memories(start.world, each, seen) for each in told))
    )


def _memories(world: World, told: Told, seen: Seen) -> Iterator[Memory]:
    """Yield what an actor may have kept to itself: the name of what it saved, and where."""
    cut_off = [p.play for p in parts_of(told.operation, world) if p.index == len(told.results)]
    is_untold = told.is_cut_off and cut_off == [Model.save]
    for name in [NAME, *(name for name, _ in seen.files)] if is_untold else [NAME]:
        for fails_over in (False, True) if told.met_full_disk else (False,):
            yield Memory(told.actor, fails_over=fails_over, name=name)


@dataclass
class _Search:
    """The search for an order."""

    world: World
    told: tuple[Told, Told]
    files: dict[str, bytes]

    def __post_init__(self) -> None:
        self.parts = tuple(parts_of(each.operation, self.world) for each in self.told)

    def finds(self, model: Model, at: tuple[int, int], memories: tuple[Memory, ...]) -> bool:
        """Return whether an order goes on from where both operations are."""
        if self._is_over(0, at) and self._is_over(1, at) and model.visible() == self.files:
            return True
        return any(self._goes_on(who, model, at, memories) for who in (0, 1))

    def _is_over(self, who: int, at: tuple[int, int]) -> bool:
        parts, told = self.parts[who], self.told[who]
        return at[who] == len(parts) or parts[at[who]].index >= len(told.results)

    def _goes_on(
        self, who: int, model: Model, at: tuple[int, int], memories: tuple[Memory, ...]
    ) -> bool:
        told, other = self.told[who], self.parts[1 - who]
        if at[who] == len(self.parts[who]):
            return False
        part = self.parts[who][at[who]]
        if part.index >= len(told.began):
            return False
        if sum(each.index < told.began[part.index] for each in other) > at[1 - who]:
            return False  # All that was over when it began came before.
        result = UNTOLD if part.index == len(told.results) else told.results[part.index]
        following = (at[0] + 1, at[1]) if who == 0 else (at[0], at[1] + 1)
        may_be_left_out = (
            part.is_optional
            or result is UNTOLD
            or (told.met_full_disk and isinstance(result, OSError))
        )
        if may_be_left_out and self.finds(model, following, memories):
            return True
        then, theirs = deepcopy((model, memories))
        return then.play(part.play, theirs[who], result) and self.finds(then, following, theirs)
