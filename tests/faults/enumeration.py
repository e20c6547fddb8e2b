"""All runs over a choice of setups, and what was found wrong, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

from .facts import Run
from .hangs import Clock
from .operations import DELETE, ON_FAULT_VALUES, OPERATIONS, PROMOTE, Operation
from .runs import Site, judged, runs_of
from .worlds import Setup, worlds


@dataclass
class Findings:
    """How many runs there were, and each kind of fault with its count and its first run."""

    runs: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Run] = field(default_factory=dict)

    def add(self, run: Run, complaints: Iterable[str]) -> None:
        self.runs += 1
        for complaint in complaints:
            kind = f"{complaint} | {kind_of(run)}"
            self.counts[kind] += 1
            self.examples.setdefault(kind, run)

    def __str__(self) -> str:
        lines = [f"{self.runs} runs, {sum(self.counts.values())} faults:"]
        for kind, count in self.counts.most_common():
            run = self.examples[kind]
            lines += [f"{count:7} {kind}", f"        {run}", f"        it {run.outcome}"]
        return "\n".join(lines)


def kind_of(run: Run) -> str:
    """Return what runs have in common whose faults have the same reason, as far as that shows."""
    struck = "no fault" if run.struck is None else f"{run.struck.operation} struck"
    return f"{run.setup.cls} | {run.operation} | {struck}"


def configured(setup: Setup, operation: Operation) -> Iterator[Setup]:
    """Yield a setup with each combination of the options that an operation heeds."""
    heeds = () if setup.is_overlay else operation.heeds
    for on_fault, delete, promote in product(
        ON_FAULT_VALUES[next((option for option in heeds if option in ON_FAULT_VALUES), "")],
        ("first", "all") if DELETE in heeds else ("first",),
        (False, True) if PROMOTE in operation.heeds else (False,),
    ):
        yield replace(setup, on_fault=on_fault, delete=delete, promote=promote)


@dataclass
class Enumeration:
    """Which ways to strike are tried, and where."""

    kinds: Sequence[str]
    directory: Path | None = None
    clock: Clock | None = None
    twice: bool = False
    operations: Iterable[Operation] = tuple(OPERATIONS.values())
    findings: Findings = field(default_factory=Findings)

    def over(self, setups: Iterable[Setup]) -> Findings:
        """Run every operation in every world of these setups, struck at every call."""
        for setup in setups:
            sites: dict[Setup, Site] = {}
            for operation in self.operations:
                for each in configured(setup, operation):
                    if each not in sites:
                        sites[each] = Site(each, self.directory, self.clock)
                    self._enumerate(sites[each], operation)
        return self.findings

    def _enumerate(self, site: Site, operation: Operation) -> None:
        for world in worlds(site.setup):
            for run in runs_of(site, world, operation, self.kinds, twice=self.twice):
                self.findings.add(run, judged(site, run))
