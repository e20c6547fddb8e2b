"""Whatever reaches a backend is a step: what is done in another way is not found in all orders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from .cases import Case, case
from .runs import Run
from .scenes import Scene
from .stage import Stage, staged

CASES = [
    case("overlay,disk,kept,second,promoting,processes"),
    case("fallback-all,disk,spare,both,plain,threads"),
    case("overlay,objects,kept,second,promoting,threads"),
    case("overlay,s3,kept,second,promoting,processes"),
]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def first_goes_on(run: Run, options: Sequence[str]) -> str:
    return options[0]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_nothing_changes_but_at_a_step(stage: Stage, case: Case) -> None:
    with stage.in_turns():
        for operation in case.operations:
            scene = Scene(stage, case.world, (operation, "exists"))
            looks: list[object] = []

            def look(run: Run, options: Sequence[str]) -> str:
                now = scene.fingerprint()  # noqa: B023 - called at once.
                assert run.is_changed or now == looks[-1]  # noqa: B023
                looks.append(now)  # noqa: B023
                run.is_changed = False
                return options[0]

            run = scene.play(look)
            assert scene.fingerprint() == looks[-1] or run.is_changed
            assert not scene.judge(run).kind


def test_everything_that_asks_a_disk_is_a_step(stage: Stage) -> None:
    """In every version of Python and Django."""
    root = Path(stage.disk.root, "asked")
    root.mkdir()
    storage = FileSystemStorage(root)

    def ask() -> None:
        os.makedirs(storage.path("d"), exist_ok=True)
        name = storage.save("d/a.txt", ContentFile(b"a"))
        storage.get_modified_time(name)
        storage.size(name)
        storage.listdir("d")
        with storage.open(name, "r+b") as file:
            assert file.read() == b"a"
            file.write(b"b")
        storage.delete(name)

    with stage.in_turns():
        run = stage.play(([ask], []), first_goes_on, kills=True)
    taken = [f"{each.step.what} {each.seen}".removesuffix(" None") for each in run.taken]
    assert run.pair[0].done[0].result is None
    for step in ("mkdir", "lstat FileNotFoundError", "open(creat,excl) open", "write 1"):
        assert step in taken
    for step in ("stat 1 bytes", "scandir ['a.txt']", "open open", "read b'a'", "remove"):
        assert step in taken
