"""A process killed at any instant leaves no half file, loses none and revives none."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from fallback_storage.names import TEMPORARY
from fallback_storage.storage import OverlayStorage

from .actors import WORK, Place, content_of, read, start

#: Of each kind of work; `make soak` sets more.
KILLS = int(os.environ.get("KILLS", "5"))
FILES = 40


@pytest.mark.slow
@pytest.mark.parametrize("job", WORK)
def test_a_kill_leaves_everything_whole(job: str, tmp_path: Path) -> None:
    chance = random.Random(f"{job}{os.environ.get('KILLS_SEED', '')}")
    kills = rounds = 0
    while kills < KILLS:
        directory = tmp_path / str(rounds)
        place = _placed(job, directory)
        next_file = 0
        while next_file < FILES and kills < KILLS:
            said = _killed(job, directory, next_file, chance)
            kills += 1
            _check(job, place, said)
            next_file += max(1, chance.randrange(FILES // 4))
        rounds += 1
    assert kills == KILLS


def _placed(job: str, directory: Path) -> Place:
    place = Place(directory)
    names = {"promote": "promoted", "change": "changed", "delete": "deleted"}
    if job in names:
        place.fill(*(f"{names[job]}/{number}.bin" for number in range(FILES)))
    if job == "delete":
        storage = place.overlay(promote=True)
        for number in range(0, FILES, 2):  # Half of them lie in the upper one as well.
            read(storage, f"deleted/{number}.bin")
    return place


def _killed(job: str, directory: Path, first: int, chance: random.Random) -> list[str]:
    """Let a child work until a random instant; return what it said by then."""
    with start(job, directory, str(first)) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(chance.randrange(1, 12))]
        for _ in range(chance.randrange(20_000)):
            pass  # The instants between what it says, too.
        child.kill()
        said += child.stdout.readlines()
    assert said[0] == "ready\n"
    # The last line may be torn: it is no more than begun.
    return [line.removesuffix("\n") for line in said if line.endswith("\n")]


def _check(job: str, place: Place, said: list[str]) -> None:
    storage = place.overlay()
    if job in ("promote", "change"):
        _check_all_are_whole(storage)
    elif job == "delete":
        _check_deleted(storage, said)
    else:
        _check_saved(storage, said)
    _check_nothing_half(storage, place)


def _listed(storage: OverlayStorage) -> list[str]:
    directories, _ = storage.listdir("")
    return [f"{d}/{name}" for d in directories for name in storage.listdir(d)[1]]


def _check_all_are_whole(storage: OverlayStorage) -> None:
    names = _listed(storage)
    assert len(names) == FILES
    for name in names:
        assert read(storage, name) == content_of(name)


def _check_deleted(storage: OverlayStorage, said: list[str]) -> None:
    deleted = {line.removeprefix("deleted ") for line in said if line.startswith("deleted ")}
    began = {line.removeprefix("deleting ") for line in said if line.startswith("deleting ")}
    names = set(_listed(storage))
    assert not names & deleted
    assert not any(storage.exists(name) for name in deleted)
    for name in names | (began - deleted):
        if storage.exists(name):
            assert read(storage, name) == content_of(name)


def _check_saved(storage: OverlayStorage, said: list[str]) -> None:
    saved = {line.removeprefix("saved ") for line in said if line.startswith("saved ")}
    names = set(_listed(storage)) if storage.exists("saved/") else set()
    assert saved <= names
    for name in names:
        assert read(storage, name) == content_of(_asked_for(name))


def _asked_for(name: str) -> str:
    """A name without the suffix that it got because an earlier child was killed after saving."""
    root, _, extension = name.rpartition(".")
    return f"{root.partition('_')[0]}.{extension}"


def _check_nothing_half(storage: OverlayStorage, place: Place) -> None:
    for directory, _, files in os.walk(place.upper.location):
        for name in files:
            if name.startswith(TEMPORARY):
                continue  # What a killed process leaves, and nobody is shown.
            whiteout = name.startswith(".wh.")
            size = os.path.getsize(os.path.join(directory, name))
            assert size == (0 if whiteout else len(content_of(name)))
    assert not [name for name in _listed(storage) if "/.wh." in name]
