"""A page of 200 files: cold and warm, by one thread and by many, with the requests it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count, takewhile
from statistics import median
from time import monotonic
from typing import Any

from . import cases
from .aims import Aim
from .cases import BELOW, LOCAL, SIDE_BY_SIDE, Layout
from .contenders import BARE, FALLBACK, ORIGINAL, PRESENCE, Contender
from .section import Able, Player, Players, Run, Section, in_turn
from .table import NOTHING, milliseconds, table
from .world import ALL, HALF, PAGE

CONTENDERS = (BARE, FALLBACK, PRESENCE, ORIGINAL)
UNSIGNED = Layout(
    "[S3, S3'], custom_domain", SIDE_BY_SIDE.members, {"custom_domain": "media.example.org"}
)
PAGES = (
    *((layout, "url") for layout in (LOCAL, BELOW, SIDE_BY_SIDE, UNSIGNED)),
    *((layout, "open, read") for layout in (LOCAL, BELOW, SIDE_BY_SIDE)),
)
MANY = (8, 32)
ROUNDS, QUICK_ROUNDS = 15, 2
SECONDS, QUICK_SECONDS = 2.5, 0.3
CPU_LIMIT = 2.0


@dataclass
class Times:
    """What one contender's pages took, in nanoseconds, and how many requests."""

    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    many: dict[int, list[float]] = field(default_factory=dict)
    requests: tuple[int, int] | None = None
    #: How many files were had before the patience ended, where it did.
    done: int = len(PAGE)

    @property
    def is_late(self) -> bool:
        return self.done < len(PAGE)


Results = dict[tuple[Layout, str], dict[Contender, Times]]


def measure(run: Run) -> Section:
    section = Section(f"A page of {len(PAGE)} files")
    results: Results = {}
    with Players(run, CONTENDERS) as players:
        for layout, operation in PAGES:
            run.say(f"{layout.label} {operation}")
            results[layout, operation] = _measure_page(run, players, layout, operation)
    _write(section, results)
    section.add(players.excuses())
    section.aims = _aims(results)
    return section


def _measure_page(
    run: Run, players: Players, layout: Layout, operation: str
) -> dict[Contender, Times]:
    build = partial(_build, run, layout)
    players.build(build)  # Who cannot be built is left out from here on.
    times = {contender: Times() for contender in players.able}
    _in_rounds(run, players.able, partial(_cold_and_warm, build, layout, operation, times))
    able = {each: player for each, player in players.able.items() if not times[each].is_late}
    for threads in MANY:
        _in_rounds(run, able, partial(_many, threads, layout, operation, times))
    for contender, player in able.items():
        times[contender].requests = _requests(run, player, layout, operation)
    for player in players.able.values():
        player.worker.ask("forget")
    return times


def _in_rounds(run: Run, able: Able, measure_one: Callable[[Player], None]) -> None:
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if run.quick else (ROUNDS, SECONDS)
    end = monotonic() + seconds * len(able)
    for number in takewhile(lambda n: n < 1 or (n < rounds and monotonic() < end), count()):
        for contender in in_turn(list(able), number):
            measure_one(able[contender])


def _build(run: Run, layout: Layout, player: Player, *, counted: bool = False) -> None:
    """Build a storage anew, so that it knows nothing and has no connection."""
    cases.build(run.world, player, layout, counted=counted)
    player.worker.ask("clear_cache")


def _cold_and_warm(
    build: Callable[[Player], None],
    layout: Layout,
    operation: str,
    times: Mapping[Contender, Times],
    player: Player,
) -> None:
    mine = times[player.contender]
    if mine.is_late:
        return
    build(player)
    cold = _page(player, layout, operation)
    mine.done = cold["done"]
    if cold["done"] < len(PAGE):
        return
    warm = _page(player, layout, operation)
    mine.cold.append(cold["wall"])
    mine.warm.append(warm["wall"])
    mine.cpu.append(warm["cpu"])
    mine.done = warm["done"]


def _many(
    threads: int, layout: Layout, operation: str, times: Mapping[Contender, Times], player: Player
) -> None:
    mine = times[player.contender].many.setdefault(threads, [])
    if not mine:  # Each thread makes its own connections: two files, one of each backend.
        _page(player, layout, operation, threads, files=2 * threads)
    page = _page(player, layout, operation, threads)
    mine.append(page["wall"] if page["done"] == len(PAGE) else float("inf"))


def _page(
    player: Player, layout: Layout, operation: str, threads: int = 1, files: int = len(PAGE)
) -> dict[str, Any]:
    """Have a page; the bare storage, which is one of the members, has all of the files."""
    contender = player.contender
    is_whole = contender.is_bare or layout is LOCAL
    return player.run(
        _key(player, layout),
        operation,
        names=(ALL if is_whole else HALF)[:files],
        threads=threads,
        bound=contender.patience,
        locate=contender.locates,
    )


def _key(player: Player, layout: Layout) -> str:
    if not player.contender.is_bare:
        return layout.label
    return cases.bare_key(layout, layout.members[0])


def _requests(run: Run, player: Player, layout: Layout, operation: str) -> tuple[int, int]:
    _build(run, layout, player, counted=True)
    before = run.world.requests
    _page(player, layout, operation)
    between = run.world.requests
    _page(player, layout, operation)
    return between - before, run.world.requests - between


def _write(section: Section, results: Results) -> None:
    section.add(
        "Every second file is in the first backend, the others are in the second; the bare storage"
        " is the first by itself,\nand has all of them. Milliseconds a page, medians. Cold: with a"
        " new storage and an empty cache. CPU: of a warm page.\nMany threads share a page. With"
        " presence the page asks `locate_many` first. A page that is not done in time says how\n"
        "far it came.\n"
    )
    head = ["over", "", "", "cold", "warm", "CPU", *(f"{n} threads" for n in MANY)]
    rows = [
        [layout.label, operation, contender.label, *_cells(contender, times)]
        for (layout, operation), row in results.items()
        for contender, times in row.items()
    ]
    section.add(table([*head, "requests cold", "warm"], rows, texts=3))


def _cells(contender: Contender, times: Times) -> list[str]:
    counts = [str(each) for each in times.requests or ()] or [NOTHING] * 2
    if times.is_late:
        late = f"> {contender.patience:.0f} s ({times.done} files)"
        return [late, *[NOTHING] * (4 + len(MANY))]
    alone = [milliseconds(median(each)) for each in (times.cold, times.warm, times.cpu)]
    return [*alone, *(_late_or(contender, median(times.many[n])) for n in MANY), *counts]


def _late_or(contender: Contender, time: float) -> str:
    return f"> {contender.patience:.0f} s" if time == float("inf") else milliseconds(time)


def _aims(results: Results) -> list[Aim]:
    signed, unsigned = (results[each, "url"] for each in (SIDE_BY_SIDE, UNSIGNED))
    mine = signed.get(PRESENCE)
    requests = mine.requests[1] if mine and mine.requests else None
    page = f"warm page of {len(PAGE)} url()s over [S3, S3'] with presence"
    return [
        Aim(f"{page}: requests", 0, requests, "", 0),
        Aim(f"{page}, custom_domain: CPU", CPU_LIMIT, _cpu(unsigned.get(PRESENCE)), "ms", 1),
        Aim(f"{page}, signed: CPU beyond the bare's signing", CPU_LIMIT, _beyond(signed), "ms", 1),
    ]


def _cpu(times: Times | None) -> float | None:
    return median(times.cpu) / 1e6 if times and times.cpu else None


def _beyond(row: Mapping[Contender, Times]) -> float | None:
    mine, bare = _cpu(row.get(PRESENCE)), _cpu(row.get(BARE))
    return None if mine is None or bare is None else mine - bare
