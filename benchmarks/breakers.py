"""Many threads through an open breaker: whether they wait for each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from .aims import Aim
from .contenders import BARE, FALLBACK, Contender
from .faults import refusing
from .section import Able, Player, Players, Run, Section, in_turn
from .table import NOTHING, milliseconds, table
from .world import FIRST, SECOND

CONTENDERS = (BARE, FALLBACK)
THREADS = (1, 8, 32)
LIMIT = 1.2
ROUNDS, QUICK_ROUNDS = 5, 2


@dataclass(frozen=True)
class Behind:
    """What is behind the open breaker, a name in it, and how many calls all threads share."""

    label: str
    member: Callable[[Player], dict[str, Any]]
    name: str
    calls: int


Medians = dict[tuple[str, Contender], list[float]]


def measure(run: Run) -> Section:
    section = Section("Threads through an open breaker")
    behinds = (
        Behind("FileSystem", lambda p: run.world.local(p.directory), f"{FIRST}/00.bin", 12800),
        Behind("S3'", lambda _: run.world.s3("two"), f"{SECOND}/00.bin", 160),
    )
    medians: Medians = {}
    with refusing() as port, Players(run, CONTENDERS) as players:
        for behind in behinds:
            run.say(behind.label)
            players.build(partial(_build, run, port, behind))
            medians |= _measure(players.able, behind, QUICK_ROUNDS if run.quick else ROUNDS)
    _write(section, behinds, medians)
    section.add(players.excuses())
    section.aims = [_aim(behind, medians) for behind in behinds]
    return section


def _build(run: Run, port: int, behind: Behind, player: Player) -> None:
    member = behind.member(player)
    if player.contender.is_bare:
        player.build(behind.label, [member])
        return
    player.build(behind.label, [run.world.s3("one", port=port), member])
    player.worker.ask("force_open", key=f"{player.label}: {behind.label}", backend=0)


def _measure(able: Able, behind: Behind, rounds: int) -> Medians:
    times: dict[tuple[Contender, int], list[float]] = {}
    for number in range(-1, rounds):  # The first round makes the threads and their connections.
        for contender in in_turn(list(able), number):
            for threads in THREADS:
                answer = able[contender].run(
                    behind.label,
                    "exists",
                    names=[behind.name],
                    times=behind.calls,
                    threads=threads,
                )
                if number >= 0:
                    times.setdefault((contender, threads), []).append(answer["wall"])
    return {
        (behind.label, contender): [median(times[contender, threads]) for threads in THREADS]
        for contender in able
    }


def _write(section: Section, behinds: tuple[Behind, ...], medians: Medians) -> None:
    section.add(
        "An S3 whose breaker is open, and behind it a backend that has the file. Milliseconds for"
        " the same number of\n`exists` calls, shared by 1, 8 and 32 threads; beside the bare"
        " storage, which has no breaker to pass.\n"
    )
    head = [
        "behind it",
        "",
        "calls",
        "1 thread",
        *(f"{threads} threads" for threads in THREADS[1:]),
    ]
    rows = [
        [behind.label, contender.label, str(behind.calls), *_cells(medians, behind, contender)]
        for behind in behinds
        for contender in CONTENDERS
    ]
    section.add(table(head, rows, texts=2))


def _cells(medians: Medians, behind: Behind, contender: Contender) -> list[str]:
    times = medians.get((behind.label, contender))
    return [milliseconds(time) for time in times] if times else [NOTHING] * len(THREADS)


def _aim(behind: Behind, medians: Medians) -> Aim:
    what = f"32 threads through an open breaker to {behind.label}: slowdown beside the bare one's"
    mine, bare = (medians.get((behind.label, each)) for each in (FALLBACK, BARE))
    measured = (mine[-1] / mine[0]) / (bare[-1] / bare[0]) if mine and bare else None
    return Aim(what, LIMIT, measured)
