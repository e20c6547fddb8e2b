"""Whether an order of the two operations explains what they came to, and what lies there then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from typing import Any

from django.core.files.base import ContentFile

from .model import PARTS, UNTOLD, Memory, Model
from .worlds import NAME, Place


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
    names = [name for name, _ in seen.files] or [NAME]
    for chosen in product(*(_memories(each, names) for each in told)):
        if _search(deepcopy(start), told, (0, 0), deepcopy(chosen), dict(seen.files)):
            return True
    return False


def _memories(told: Told, names: Sequence[str]) -> Iterator[Memory]:
    is_untold = told.operation == "save" and told.is_cut_off
    for name in names if is_untold else [None]:
        for fails_over in (False, True) if told.met_full_disk else (False,):
            yield Memory(told.actor, fails_over=fails_over, name=name)


def _search(
    model: Model,
    told: tuple[Told, Told],
    at: tuple[int, int],
    memories: tuple[Memory, ...],
    files: dict[str, bytes],
) -> bool:
    if _is_over(told, at) and model.visible() == files:
        return True
    for who in (0, 1):
        each, index = told[who], at[who]
        is_cut_off = index == len(each.results) and each.is_cut_off
        if index >= len(PARTS[each.operation]) or (index >= len(each.results) and not is_cut_off):
            continue
        if each.began[index] > at[1 - who]:
            continue
        result = UNTOLD if is_cut_off else each.results[index]
        step = (at[0] + 1, at[1]) if who == 0 else (at[0], at[1] + 1)
        may_not_have_been = is_cut_off or (each.met_full_disk and isinstance(result, OSError))
        if may_not_have_been and _search(model, told, step, memories, files):
            return True
        then, theirs = deepcopy((model, memories))
        fits = then.play(PARTS[each.operation][index], theirs[who], result)
        if fits and _search(then, told, step, theirs, files):
            return True
    return False


def _is_over(told: tuple[Told, Told], at: tuple[int, int]) -> bool:
    return all(index >= len(each.results) for each, index in zip(told, at, strict=True))
