"""What the machinery costs, in instructions: the same on every run, however busy the machine."""

from __future__ import annotations

import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from .cases import LOCAL, READS
from .contenders import BARE, BARE_42, FALLBACK, FALLBACK_42, ORIGINAL, OVERLAY, OWN, Contender
from .process import Worker, WorkerError
from .section import Run, Section
from .table import NOTHING, ratio, table
from .venvs import NotInstalled
from .world import FIRST

GROUPS = ((BARE, FALLBACK, OVERLAY), (BARE_42, FALLBACK_42), (ORIGINAL,))
CONTENDERS = tuple(contender for group in GROUPS for contender in group)
REFERENCE = {FALLBACK: BARE, OVERLAY: BARE, FALLBACK_42: BARE_42, ORIGINAL: BARE_42}
OPERATIONS = (*READS, "save")
#: What so many calls cost more than so few, is the calls' own; the first batch warms up.
FEW, MANY = 20, 70
BATCHES = (FEW, FEW, MANY)
SECONDS = 300.0
MISSING = "valgrind is not installed (apt-get install valgrind): nothing was counted.\n"

Costs = dict[Contender, dict[str, float]]


def measure(run: Run) -> Section:
    section = Section("Instructions of a call")
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        print(MISSING, end="", file=sys.stderr)
        section.add(MISSING)
        return section
    costs: Costs = {}
    excuses = []
    with ThreadPoolExecutor() as pool:  # At the same time: instructions are not seconds.
        running = [pool.submit(_measure_group, run, valgrind, group) for group in GROUPS]
        for group, future in zip(GROUPS, running, strict=True):
            try:
                costs |= future.result()
            except (WorkerError, NotInstalled, OSError) as error:
                excuses.append(f"{', '.join(map(_column, group))} did not run: {error}\n")
    _write(section, costs)
    section.add(*excuses)
    return section


def _measure_group(run: Run, valgrind: str, group: tuple[Contender, ...]) -> Costs:
    run.say(f"{', '.join(map(_column, group))}, under callgrind")
    with tempfile.TemporaryDirectory(prefix="benchmark-callgrind-") as directory:
        output = Path(directory, "out")
        # Each batch lies between two calls of os.getppid, which nothing else calls.
        tool = [valgrind, "-q", "--tool=callgrind", "--dump-before=getppid"]
        tool.append(f"--callgrind-out-file={output}")
        with Worker(group[0].environment, prefix=tool) as worker:
            for contender in group:
                _count(run, worker, contender)
        totals = [_total(Path(f"{output}.{number}")) for number in _parts(group)]
    return _costs(group, totals)


def _count(run: Run, worker: Worker, contender: Contender) -> None:
    members = [run.world.local(run.world.directory())]
    worker.ask("build", SECONDS, key=contender.label, recipe=contender.recipe, members=members)
    numbers = count()
    for operation in OPERATIONS:
        for calls in BATCHES:
            names = [f"{FIRST}/00.bin"] * calls
            if operation == "save":
                names = [f"saved/{next(numbers)}.bin" for _ in range(calls)]
            worker.ask("count", SECONDS, key=contender.label, operation=operation, names=names)


def _parts(group: tuple[Contender, ...]) -> range:
    """The numbers of the dumps that hold a batch: every second one."""
    return range(2, 2 * len(group) * len(OPERATIONS) * len(BATCHES) + 1, 2)


def _total(dump: Path) -> int:
    with dump.open() as lines:
        for line in lines:
            if line.startswith("summary:"):
                return int(line.split()[1])
    raise WorkerError(f"{dump.name} has no summary")


def _costs(group: tuple[Contender, ...], totals: list[int]) -> Costs:
    batches = iter(zip(*[iter(totals)] * len(BATCHES), strict=True))
    return {
        contender: {
            operation: (many - few) / (MANY - FEW)
            for operation, (_, few, many) in zip(OPERATIONS, batches, strict=False)
        }
        for contender in group
    }


def _write(section: Section, costs: Costs) -> None:
    section.add(
        f"Over one {LOCAL.label} that has the file: thousands of instructions a call, as"
        " `valgrind --tool=callgrind` counts them,\nthe system's own left out; and how many times"
        f" the bare storage's. {MANY} calls less {FEW}, with a hash seed of 0.\n"
    )
    head = [""]
    for contender in CONTENDERS:
        head += [_column(contender)] + (["ratio"] if contender in REFERENCE else [])
    section.add(table(head, [[each, *_cells(costs, each)] for each in OPERATIONS]))


def _column(contender: Contender) -> str:
    return contender.label if contender.environment is OWN else f"4.2: {contender.label}"


def _cells(costs: Costs, operation: str) -> list[str]:
    cells = []
    for contender in CONTENDERS:
        mine = costs.get(contender, {}).get(operation)
        cells.append(NOTHING if mine is None else f"{mine / 1000:.1f}")
        if contender in REFERENCE:
            bare = costs.get(REFERENCE[contender], {}).get(operation)
            cells.append(ratio(mine / bare) if mine and bare else NOTHING)
    return cells
