"""How much time FallbackStorage adds to a FileSystemStorage, measured in turn in one process."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter_ns

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage

from fallback_storage.storage import FallbackStorage

from .table import print_table

ROUNDS = 400
WARM_UP = 20
CONTENT = os.urandom(4096)
NAME = "dir/file.bin"

Run = Callable[[Storage, int], None]


def _exists(storage: Storage, calls: int) -> None:
    for _ in range(calls):
        storage.exists(NAME)


def _size(storage: Storage, calls: int) -> None:
    for _ in range(calls):
        storage.size(NAME)


def _url(storage: Storage, calls: int) -> None:
    for _ in range(calls):
        storage.url(NAME)


def _open_read(storage: Storage, calls: int) -> None:
    for _ in range(calls):
        with storage.open(NAME) as file:
            file.read()


_numbers = count()


def _save(storage: Storage, calls: int) -> None:
    for _ in range(calls):
        storage.save(f"saved/{next(_numbers)}.bin", ContentFile(CONTENT))


@dataclass(frozen=True)
class Case:
    """One method, how often it is called in a round, and how much slower it may be."""

    operation: str
    run: Run
    calls: int
    aim_over_one: float
    aim_over_two: float | None = None


CASES = (
    Case("exists", _exists, 200, 1.3),
    Case("size", _size, 200, 1.3),
    Case("url", _url, 200, 1.3, 2.1),
    Case("open, read 4 KiB", _open_read, 50, 1.15),
    Case("save 4 KiB", _save, 20, 1.15),
)


@dataclass(frozen=True)
class Timing:
    """Medians over the rounds: of a call's nanoseconds, and of its ratio to the bare storage's."""

    nanoseconds: float
    ratio: float


def measure(case: Case, storages: Sequence[Storage], rounds: int = ROUNDS) -> list[Timing]:
    """Time a method of each storage in turn, the bare one being the first of them."""
    times: list[list[float]] = [[] for _ in storages]
    with _without_collector():
        for number in range(-WARM_UP, rounds):
            for index in _order(len(storages), number):
                elapsed = _time(case, storages[index])
                if number >= 0:
                    times[index].append(elapsed)
            _remove_saved(storages[0])
    bare = times[0]
    ratios = [[mine / its for mine, its in zip(each, bare, strict=True)] for each in times]
    return [Timing(median(t), median(r)) for t, r in zip(times, ratios, strict=True)]


def _order(length: int, number: int) -> list[int]:
    """Who follows whom changes from round to round: a file just written slows down the next."""
    forwards = [(number + step) % length for step in range(length)]
    return forwards if number // length % 2 else forwards[::-1]


def _time(case: Case, storage: Storage) -> float:
    begin = perf_counter_ns()
    case.run(storage, case.calls)
    return (perf_counter_ns() - begin) / case.calls


@contextmanager
def _without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _remove_saved(storage: Storage) -> None:
    """Empty the directory, so that no save meets a fuller one than another."""
    with os.scandir(storage.path("saved")) as files:
        for file in files:
            os.unlink(file.path)


def print_timings() -> None:
    """Measure and print, each method over one and over two backends."""
    print("## Time\n")
    print(
        "A FileSystemStorage by itself, and as the only or the first backend of a"
        f" FallbackStorage, which has the file.\nMedians of {ROUNDS} rounds in turn: µs a call,"
        " and the ratio within a round.\n"
    )
    head = [
        "",
        "bare",
        "one backend",
        "ratio",
        "aim",
        "met",
        "two backends",
        "ratio",
        "aim",
        "met",
    ]
    with tempfile.TemporaryDirectory() as directory:
        bare = FileSystemStorage(Path(directory, "one"), base_url="/media/")
        second = FileSystemStorage(Path(directory, "two"), base_url="/media/")
        for name in (NAME, "saved/first.bin"):
            bare.save(name, ContentFile(CONTENT))
        over_one = FallbackStorage(backends=[bare])
        over_two = FallbackStorage(backends=[bare, second])
        print_table(head, [_row(case, bare, over_one, over_two) for case in CASES])


def _row(case: Case, *storages: Storage) -> list[str]:
    bare, one, two = measure(case, storages)
    return [
        case.operation,
        f"{bare.nanoseconds / 1000:.1f}",
        *_cells(one, case.aim_over_one),
        *_cells(two, case.aim_over_two),
    ]


def _cells(timing: Timing, aim: float | None) -> list[str]:
    measured = [f"{timing.nanoseconds / 1000:.1f}", f"{timing.ratio:.2f}"]
    if aim is None:
        return [*measured, "", ""]
    return [*measured, f"≤ {aim}", "yes" if timing.ratio <= aim else "no"]
