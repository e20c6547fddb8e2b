"""Production by HTTP below a directory, as in development: single files, and a page of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from statistics import median

from .cases import READS
from .contenders import (
    BARE_HTTP,
    HTTP_FALLBACK,
    LOCALDEV,
    OVERLAY_HTTP,
    PROMOTING_HTTP,
    Contender,
)
from .section import Player, Players, Run, Section, in_turn
from .table import NOTHING, microseconds, milliseconds, table
from .world import FIRST, HALF, NOWHERE, PAGE, POOL_NAMES, SECOND

CONTENDERS = (BARE_HTTP, OVERLAY_HTTP, PROMOTING_HTTP, HTTP_FALLBACK, LOCALDEV)
HITS = (FIRST, SECOND, NOWHERE)
CALLS = 5
ROUNDS, QUICK_ROUNDS = 15, 2
KEY = "development"


@dataclass
class Measured:
    """What one contender took: nanoseconds, and requests."""

    times: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    error: str = ""


Results = dict[tuple[str, str], dict[Contender, Measured]]


@dataclass(frozen=True)
class Names:
    """What a player is asked for: production's files and missing ones are new each time."""

    pool: Iterator[str]
    missing: Iterator[int]

    @classmethod
    def new(cls) -> Names:
        return cls(iter(POOL_NAMES), count())

    def take(self, hit: str, calls: int) -> list[str]:
        if hit == FIRST:
            return [f"{FIRST}/00.bin"] * calls
        if hit == SECOND:
            return [next(self.pool) for _ in range(calls)]
        return [f"{NOWHERE}/{next(self.missing)}.bin" for _ in range(calls)]


def measure(run: Run) -> Section:
    section = Section("Production by HTTP")
    calls: Results = {(operation, hit): {} for operation in READS for hit in HITS}
    pages: dict[Contender, Measured] = {}
    excuses = ""
    for counted, measure_one in ((False, _time), (True, _count)):
        with Players(run, CONTENDERS, counted=counted) as players:
            players.build(partial(_build, run, counted))
            measure_one(run, players, calls, pages)
            excuses = players.excuses()
    _write(section, calls, pages)
    section.add(excuses)
    return section


def _build(run: Run, counted: bool, player: Player) -> None:
    members = [run.world.local(player.directory), run.world.site(counted=counted)]
    player.build(KEY, members)
    # A site is believed once: HTTPStorage asks for a random name before its first file.
    player.run(KEY, "exists", names=[f"{SECOND}/00.bin"])


def _time(run: Run, players: Players, calls: Results, pages: dict[Contender, Measured]) -> None:
    names = {contender: Names.new() for contender in players.able}
    rounds = QUICK_ROUNDS if run.quick else ROUNDS
    for (operation, hit), row in calls.items():
        run.say(f"{operation} {hit}")
        for number in range(rounds):
            for contender in in_turn(list(players.able), number):
                measured = row.setdefault(contender, Measured())
                _time_calls(players.able[contender], names[contender], operation, hit, measured)
    run.say("pages")
    for number in range(rounds):
        for contender in in_turn(list(players.able), number):
            _time_pages(players.able[contender], pages.setdefault(contender, Measured()))


def _time_calls(
    player: Player, names: Names, operation: str, hit: str, measured: Measured
) -> None:
    answer = player.run(KEY, operation, names=names.take(hit, CALLS))
    measured.times.append(answer["wall"] / CALLS)
    measured.error = next(iter(answer["errors"]), "")


def _time_pages(player: Player, measured: Measured) -> None:
    forget_production(player)
    first, second = (player.run(KEY, "open, read", names=HALF) for _ in range(2))
    measured.times.append(first["wall"])
    measured.again.append(second["wall"])
    failed = sum(second["errors"].values())
    measured.error = f"{failed} of {len(PAGE)} fail" if failed else ""


def forget_production(player: Player) -> None:
    """Remove the copies of production's files that some contenders make."""
    for name in HALF[1::2]:
        (player.directory / name).unlink(missing_ok=True)
    shutil.rmtree(player.directory / "pool", ignore_errors=True)


def _count(run: Run, players: Players, calls: Results, pages: dict[Contender, Measured]) -> None:
    for contender, player in players.able.items():
        names = Names.new()
        for (operation, hit), row in calls.items():
            ask = partial(player.run, KEY, operation, names=names.take(hit, 1))
            row.setdefault(contender, Measured()).requests = [_requests(run, ask)]
        forget_production(player)
        page = partial(player.run, KEY, "open, read", names=HALF)
        measured = pages.setdefault(contender, Measured())
        measured.requests = [_requests(run, page), _requests(run, page)]


def _requests(run: Run, ask: Callable[[], object]) -> int:
    before = run.world.requests
    ask()
    return run.world.requests - before


def _write(section: Section, calls: Results, pages: Mapping[Contender, Measured]) -> None:
    section.add(
        "A directory over production's public files, as in development; ours is an OverlayStorage"
        " of a FileSystemStorage and\nan HTTPStorage. Microseconds a call and the requests it"
        " makes; each name that the directory lacks is asked for\nfor the first time.\n"
    )
    rows = [
        [operation, hit, *(_call(row.get(contender)) for contender in CONTENDERS)]
        for (operation, hit), row in calls.items()
    ]
    head = [contender.label for contender in CONTENDERS]
    section.add(table(["", "held by", *head], rows, texts=2))
    section.add(
        f"A page of {len(PAGE)} files that are opened and read, every second one production's;"
        " milliseconds.\n"
    )
    page_head = ["", "first page", "second page", "requests", "second", ""]
    section.add(table(page_head, [_page_row(*each) for each in pages.items()]))


def _call(measured: Measured | None) -> str:
    if measured is None or not measured.times:
        return NOTHING
    requests = f"{measured.requests[0]} req." if measured.requests else NOTHING
    error = f" {measured.error}" if measured.error else ""
    return f"{microseconds(median(measured.times))}, {requests}{error}"


def _page_row(contender: Contender, measured: Measured) -> list[str]:
    times = [milliseconds(median(each)) for each in (measured.times, measured.again) if each]
    counts = [str(each) for each in measured.requests]
    padded = [*times, *[NOTHING] * (2 - len(times)), *counts, *[NOTHING] * (2 - len(counts))]
    return [contender.label, *padded, measured.error]
