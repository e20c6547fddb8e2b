"""How long each method takes: every contender in turn, ratios within a round."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import monotonic

from . import cases
from .aims import Aim
from .cases import LOCAL, Case, Layout, Names
from .contenders import BARE, BARE_42, FALLBACK, FALLBACK_42, ORIGINAL, OVERLAY, OWN, Contender
from .section import Able, Player, Players, Run, Section, in_turn, median_ratio
from .table import NOTHING, microseconds, ratio, table

CONTENDERS = (BARE, FALLBACK, OVERLAY, BARE_42, FALLBACK_42, ORIGINAL)
REFERENCE = {FALLBACK: BARE, OVERLAY: BARE, FALLBACK_42: BARE_42, ORIGINAL: BARE_42}
BATCH_NS = 15e6
MOST_CALLS = 500
LIMITS = {"exists": 1.3, "size": 1.3, "url": 1.3, "open, read": 1.15, "save": 1.15}
OVERLAY_SAVE = 1.5


@dataclass(frozen=True)
class Effort:
    """How long a case is measured: rounds, and the seconds after which no new one begins."""

    most: int
    least: int
    seconds: float


FULL, QUICK = Effort(61, 5, 2.5), Effort(7, 2, 0.3)


@dataclass
class Series:
    """One contender's nanoseconds a call, round by round, and the error it always gave."""

    calls: int = 1
    times: list[float] = field(default_factory=list)
    error: str = ""


Results = dict[Case, dict[Contender, Series]]


def measure(run: Run) -> Section:
    section = Section("Time of a call")
    effort = QUICK if run.quick else FULL
    results: Results = {}
    with Players(run, CONTENDERS) as players:
        players.build(lambda player: cases.build(run.world, player, *cases.LAYOUTS))
        names = {contender: Names.of(player) for contender, player in players.able.items()}
        for case in cases.cases(*cases.LAYOUTS):
            run.say(case.label)
            results[case] = _measure_case(case, players.able, names, effort)
    _write(section, results)
    section.add(players.excuses())
    section.aims = _aims(results)
    return section


def _measure_case(
    case: Case,
    able: Able,
    names: Mapping[Contender, Names],
    effort: Effort,
) -> dict[Contender, Series]:
    asked = [each for each in able if each is not OVERLAY or case.layout is LOCAL]
    series = {each: _calibrated(able[each], names[each], case) for each in asked}
    end = monotonic() + effort.seconds
    for number in range(effort.most):
        if number >= effort.least and monotonic() > end:
            break
        for contender in in_turn(asked, number):
            each = series[contender]
            each.times.append(_batch(able[contender], names[contender], case, each))
    return series


def _calibrated(player: Player, names: Names, case: Case) -> Series:
    """Find out how many calls make a batch; the first ones warm up."""
    series = Series()
    _batch(player, names, case, series)
    elapsed = _batch(player, names, case, series)
    series.calls = max(1, min(MOST_CALLS, round(BATCH_NS / elapsed)))
    return series


def _batch(player: Player, names: Names, case: Case, series: Series) -> float:
    batch = names.batch(case, series.calls)
    answer = player.run(cases.key(player, case), case.operation, **batch)
    if case.operation == "save":  # Or the next would meet a fuller directory than another's.
        shutil.rmtree(player.directory / "saved", ignore_errors=True)
    if answer["errors"]:
        series.error = next(iter(answer["errors"]))
    return float(answer["wall"]) / series.calls


def _write(section: Section, results: Results) -> None:
    section.add(
        "Microseconds a call, and how many times that is what the bare storage takes which a user"
        " would have\ninstead: the one that has the file, the last one where none has it.",
        "Medians over rounds in which each contender has its turn; the ratio is the median of"
        " those within a round.\nThe original runs on Django 4.2 alone, so the other two are"
        " measured there as well.\n",
    )
    for layout in cases.LAYOUTS:
        section.add(f"### {layout.label}\n", _table(layout, results))


def _table(layout: Layout, results: Results) -> str:
    columns: Sequence[Contender] = CONTENDERS if layout is LOCAL else _without_overlay()
    head = ["", "held by"]
    for contender in columns:
        django = "" if contender.environment is OWN else "4.2: "
        head += [django + contender.label] + (["ratio"] if contender in REFERENCE else [])
    rows = [
        [case.operation, case.hit, *_cells(columns, series)]
        for case, series in results.items()
        if case.layout is layout
    ]
    return table(head, rows, texts=2)


def _without_overlay() -> list[Contender]:
    return [each for each in CONTENDERS if each is not OVERLAY]


def _cells(columns: Sequence[Contender], series: Mapping[Contender, Series]) -> list[str]:
    cells = []
    for contender in columns:
        mine, bare = series.get(contender), series.get(REFERENCE.get(contender, BARE))
        cells.append(_shown(mine))
        if contender in REFERENCE:
            known = mine and bare and mine.times and bare.times
            cells.append(ratio(median_ratio(mine.times, bare.times)) if known else NOTHING)  # type: ignore[union-attr]
    return cells


def _shown(series: Series | None) -> str:
    if series is None or not series.times:
        return NOTHING
    error = f" ({series.error})" if series.error else ""
    return microseconds(median(series.times)) + error


def _aims(results: Results) -> list[Aim]:
    aims = []
    for case, series in results.items():
        if case.layout is LOCAL and case.hit == case.layout.hits[case.operation == "save"]:
            if case.operation in LIMITS:
                limit = LIMITS[case.operation]
                aims.append(_aim(case.operation, series, FALLBACK, limit))
            if case.operation == "save":
                aims.append(_aim("save of an overlay", series, OVERLAY, OVERLAY_SAVE))
    return aims


def _aim(what: str, series: Mapping[Contender, Series], who: Contender, limit: float) -> Aim:
    known = who in series and BARE in series
    measured = median_ratio(series[who].times, series[BARE].times) if known else None
    return Aim(f"[FileSystem] {what}: time, as a multiple of the bare storage's", limit, measured)
