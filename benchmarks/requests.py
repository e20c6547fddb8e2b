"""How many requests each method costs, counted where they reach the servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from . import cases
from .aims import Aim
from .cases import BELOW, READS, SIDE_BY_SIDE, Case, Layout, Names
from .contenders import BARE, FALLBACK, ORIGINAL, PRESENCE, Contender
from .section import Player, Players, Run, Section
from .table import NOTHING, table
from .world import FIRST, NOWHERE, SECOND

_RENAMING = {"file_overwrite": False}
RENAMING = tuple(
    Layout(f"{layout.label}, renaming", layout.members, _RENAMING)
    for layout in (BELOW, SIDE_BY_SIDE)
)
CONTENDERS = (BARE, FALLBACK, PRESENCE, ORIGINAL)
LAYOUTS = (BELOW, SIDE_BY_SIDE, *RENAMING)

Counts = dict[Case, dict[Contender, int]]


def measure(run: Run) -> Section:
    section = Section("Requests of a call")
    counts: Counts = {}
    with Players(run, CONTENDERS) as players:
        players.build(lambda player: cases.build(run.world, player, *LAYOUTS, counted=True))
        names = {contender: Names.of(player) for contender, player in players.able.items()}
        for case in _cases():
            run.say(case.label)
            counts[case] = {
                contender: _count(run, player, names[contender], case)
                for contender, player in players.able.items()
            }
    _write(section, counts)
    section.add(players.excuses())
    section.aims = _aims(counts)
    return section


def _cases() -> list[Case]:
    renaming = [case for case in cases.cases(*RENAMING) if case.operation == "save"]
    return [*cases.cases(BELOW, SIDE_BY_SIDE), *renaming]


def _count(run: Run, player: Player, names: Names, case: Case) -> int:
    """Count a call's requests; one before it warms up, and lets presence know the name."""
    player.run(cases.key(player, case), case.operation, **names.batch(case, 1))
    before = run.world.requests
    player.run(cases.key(player, case), case.operation, **names.batch(case, 1))
    return run.world.requests - before


def _write(section: Section, counts: Counts) -> None:
    section.add(
        "What a method costs depends on who has the file. The bare storage is the one that has"
        " it, the last one where\nnone has it. S3Storage overwrites, its default, unless it says"
        " `renaming`. With presence the name has been asked\nfor once before.\n"
    )
    head = ["over", "", "held by", *(contender.label for contender in CONTENDERS)]
    rows = [
        [case.layout.label, case.operation, case.hit, *_cells(row)] for case, row in counts.items()
    ]
    section.add(table(head, rows, texts=3))


def _cells(row: Mapping[Contender, int]) -> list[str]:
    return [str(row.get(contender, NOTHING)) for contender in CONTENDERS]


def _aims(counts: Counts) -> list[Aim]:
    first = [case for case in counts if case.layout is BELOW and case.hit == FIRST]
    return [
        _aim(
            "requests of a read that the first of [FileSystem, S3] answers",
            {case: counts[case].get(FALLBACK) for case in first if case.operation in READS},
        ),
        _aim(
            "requests more than the bare S3Storages make that have to be asked",
            {case: _excess(counts, case, FALLBACK, _asked(counts, case)) for case in counts},
        ),
        _aim(
            "requests more than the bare S3Storage makes that presence knows to have it",
            {
                case: _excess(counts, case, PRESENCE, _bare(counts, case))
                for case in counts
                if case.operation in READS and case.hit != NOWHERE
            },
        ),
    ]


def _aim(what: str, measured: Mapping[Case, int | None]) -> Aim:
    most = None if None in measured.values() else max(filter(None, measured.values()), default=0)
    labels = [case.label for case, requests in measured.items() if requests and requests == most]
    return Aim(what, 0, most, "", 0, "; ".join(labels))


def _excess(counts: Counts, case: Case, who: Contender, allowed: int | None) -> int | None:
    mine = counts[case].get(who)
    if mine is None or allowed is None:
        return None
    head_for_new_name = 1 if case.operation == "save" else 0
    return max(0, mine - allowed - head_for_new_name)


def _bare(counts: Counts, case: Case) -> int | None:
    return counts[case].get(BARE)


def _asked(counts: Counts, case: Case) -> int | None:
    """What the bare storages make that have to be asked: the holder, and those before it."""
    asked = [case]
    if case.operation == "listdir":
        asked = [replace(case, hit=hit) for hit in (FIRST, SECOND)]
    elif case.operation in READS and case.hit != FIRST and case.layout is SIDE_BY_SIDE:
        asked = [replace(case, hit=NOWHERE), case]
    costs = [_bare(counts, each) for each in asked]
    return None if None in costs else sum(filter(None, costs))
