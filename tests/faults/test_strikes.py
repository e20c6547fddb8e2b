"""A process is struck at the call that is meant, and nothing it does afterwards has an effect."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from .directories import Directory
from .memory import Place
from .remotes import InPlaceStorage
from .steps import Steps
from .strikes import (
    AFTER,
    BEFORE,
    FULL,
    HUNG,
    KILLED,
    MIDDLE,
    Call,
    Killed,
    Process,
    Strike,
    strikes_at,
)

CONTENT = b"0123456789"


@pytest.mark.parametrize(
    ("when", "left"), [(BEFORE, None), (MIDDLE, CONTENT[:5]), (AFTER, CONTENT)]
)
def test_a_call_is_struck_before_after_or_in_the_middle_of_its_effect(
    when: str, left: bytes | None
) -> None:
    place, process = Place(), Process()
    storage = InPlaceStorage(place, process, 0, overwrites=False)
    process.begin(Strike(2, when, "refused"))
    assert not storage.exists("a.txt")
    with pytest.raises(ConnectionRefusedError):
        storage._save("a.txt", ContentFile(CONTENT))
    assert place.files.get("a.txt") == left
    assert [call.operation for call in process.failed] == ["save"]


def test_a_process_that_is_killed_changes_nothing_afterwards() -> None:
    place, process = Place(), Process()
    storage = InPlaceStorage(place, process, 0, overwrites=False)
    process.begin(Strike(1, MIDDLE, KILLED))
    with pytest.raises(Killed):
        storage._save("a.txt", ContentFile(CONTENT))
    with pytest.raises(Killed):
        storage.delete("a.txt")
    assert place.files == {"a.txt": CONTENT[:5]}


def test_a_full_disk_lets_go_of_a_file() -> None:
    place, process = Place(), Process()
    storage = InPlaceStorage(place, process, 0, overwrites=False)
    process.begin(Strike(1, MIDDLE, FULL, lasting=True))
    with pytest.raises(OSError, match="No space"):
        storage._save("a.txt", ContentFile(CONTENT))
    storage.delete("a.txt")
    with pytest.raises(OSError, match="No space"):
        storage._save("b.txt", ContentFile(CONTENT))
    assert place.files == {}


def test_a_second_call_fails_as_well() -> None:
    process, files = Process(), dict[int, bytes]()
    process.begin(Strike(1, BEFORE, "refused", again=3))
    for each in range(4):
        try:
            process.call(0, "put", partial(files.setdefault, each, b""), mutates=True)
        except ConnectionRefusedError:
            continue
    assert [*files] == [1, 3]


def test_each_step_on_a_disk_is_a_call(tmp_path: Path) -> None:
    process, directory = Process(), Directory(tmp_path / "0")
    steps = Steps(process, {0: directory.root})
    storage = FileSystemStorage(directory.root)
    process.begin(Strike(99, BEFORE, "broken"))
    with steps.counted():
        storage.save("d/a.txt", ContentFile(CONTENT))
        with storage.open("d/a.txt") as file:
            assert file.read() == CONTENT
        storage.delete("d/a.txt")
    made = [call.operation for call in process.calls if call.mutates]
    assert made == ["mkdir", "open", "write", "chmod", "remove"]
    assert {"lstat", "read"} <= {call.operation for call in process.calls}


def test_a_step_on_a_disk_ends_in_the_middle(tmp_path: Path) -> None:
    process, directory = Process(), Directory(tmp_path / "0")
    steps = Steps(process, {0: directory.root})
    with steps.counted():
        with open(f"{directory.root}/a.txt", "wb"):
            pass
        process.begin(Strike(2, MIDDLE, FULL))
        with (
            pytest.raises(OSError, match="No space"),
            open(f"{directory.root}/a.txt", "wb") as file,
        ):
            file.write(CONTENT)
        process.end()
    assert directory.snapshot() == {"a.txt": CONTENT[:5]}


def test_what_comes_to_the_same_is_tried_once() -> None:
    look, save = Call(0, "exists", False, False), Call(0, "save", True, True)
    kinds = ("refused", FULL, KILLED, HUNG)
    assert [str(strike) for strike in strikes_at(1, look, kinds)] == [
        "n=1 before refused",
        "n=1 before refused lasting",
        "n=1 before hung",
    ]
    assert [str(strike) for strike in strikes_at(2, save, ("refused", FULL, KILLED))] == [
        "n=2 before refused",
        "n=2 before refused lasting",
        "n=2 before full lasting",
        "n=2 before killed",
        "n=2 after refused",
        "n=2 after refused lasting",
        "n=2 after killed",
        "n=2 middle refused",
        "n=2 middle refused lasting",
        "n=2 middle full lasting",
        "n=2 middle killed",
    ]
