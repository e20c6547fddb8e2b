"""What a storage is asked, and how long it takes. Runs in a contender's worker."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from itertools import pairwise
from threading import Barrier
from time import perf_counter_ns, process_time_ns
from typing import Any

from django.core.files.base import ContentFile

CONTENT = bytes(range(256)) * 16

Ask = Callable[[str], object]


def _read(storage: Any, name: str) -> None:
    with storage.open(name) as file:
        file.read()


def _save(storage: Any, name: str) -> None:
    storage.save(name, ContentFile(CONTENT))


#: Each takes a storage and returns what is called with a name: nothing else is in the loop.
OPERATIONS: dict[str, Callable[[Any], Ask]] = {
    "exists": lambda storage: storage.exists,
    "open, read": lambda storage: partial(_read, storage),
    "size": lambda storage: storage.size,
    "url": lambda storage: storage.url,
    "listdir": lambda storage: storage.listdir,
    "save": lambda storage: partial(_save, storage),
}


def run(
    storage: Any,
    operation: str,
    names: Sequence[str],
    *,
    times: int = 1,
    threads: int = 1,
    bound: float | None = None,
    locate: bool = False,
) -> dict[str, Any]:
    """Ask about each of `names`, `times` over; with `locate` about all of them first.

    Tells the nanoseconds of wall and CPU time, how many calls were made before `bound` (seconds),
    and how many of them failed with which error.
    """
    shares = _shares(list(names) * times, threads)
    ask = OPERATIONS[operation](storage)
    first = partial(storage.locate_many, names) if locate else _nothing
    with _without_collector():
        if threads > 1:
            return _in_parallel(ask, shares, bound, first)
        return _timed(lambda: [_ask_all(ask, shares[0], _end(bound))], first)


def _shares(names: Sequence[str], threads: int) -> list[Sequence[str]]:
    """Neighbours stay together: each share has some of whatever there is."""
    ends = [len(names) * index // threads for index in range(threads + 1)]
    return [names[begin:end] for begin, end in pairwise(ends)]


def _nothing() -> None:
    """Ask nothing first."""


def _timed(
    work: Callable[[], Sequence[tuple[int, Counter[str]]]], first: Callable[[], object]
) -> dict[str, Any]:
    wall, cpu = perf_counter_ns(), process_time_ns()
    first()
    outcomes = work()
    cpu, wall = process_time_ns() - cpu, perf_counter_ns() - wall
    errors = sum((errors for _, errors in outcomes), Counter[str]())
    return {"wall": wall, "cpu": cpu, "done": sum(n for n, _ in outcomes), "errors": dict(errors)}


def _end(bound: float | None) -> int | None:
    return None if bound is None else perf_counter_ns() + round(bound * 1e9)


def _ask_all(ask: Ask, names: Sequence[str], end: int | None) -> tuple[int, Counter[str]]:
    if end is not None:
        return _ask_until(ask, names, end)
    errors: Counter[str] = Counter()
    for name in names:
        try:
            ask(name)
        except Exception as error:
            errors[type(error).__name__] += 1
    return len(names), errors


def _ask_until(ask: Ask, names: Sequence[str], end: int) -> tuple[int, Counter[str]]:
    errors: Counter[str] = Counter()
    for done, name in enumerate(names):
        if perf_counter_ns() > end:
            return done, errors
        try:
            ask(name)
        except Exception as error:
            errors[type(error).__name__] += 1
    return len(names), errors


def _in_parallel(
    ask: Ask, shares: Sequence[Sequence[str]], bound: float | None, first: Callable[[], object]
) -> dict[str, Any]:
    """Each share in a thread of its own; the threads stay, and have met before the time runs."""
    pool, ready, go = _pool(len(shares)), Barrier(len(shares) + 1), Barrier(len(shares) + 1)

    def work(names: Sequence[str]) -> tuple[int, Counter[str]]:
        ready.wait()
        go.wait()
        return _ask_all(ask, names, _end(bound))

    futures = [pool.submit(work, share) for share in shares]
    ready.wait()

    def release() -> list[tuple[int, Counter[str]]]:
        go.wait()
        return [future.result() for future in futures]

    return _timed(release, first)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


@contextmanager
def _without_collector() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def mark(storage: Any, operation: str, names: Sequence[str]) -> None:
    """Ask about each of `names`, between two calls that a profiler watches for."""
    ask = OPERATIONS[operation](storage)
    gc.collect()
    gc.disable()
    os.getppid()
    for name in names:
        ask(name)
    os.getppid()
    gc.enable()
