"""`python -m benchmarks`: measure every contender in one run, and write the report."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

from . import (
    applications,
    breakers,
    http,
    instructions,
    outage,
    pages,
    requests,
    timings,
    view,
)
from .aims import aims_table
from .machine import machine
from .section import Run, Section
from .world import World

RESULTS = Path(__file__).parent / "RESULTS.md"
SECTIONS: dict[str, Callable[[Run], Section]] = {
    "time": timings.measure,
    "instructions": instructions.measure,
    "requests": requests.measure,
    "pages": pages.measure,
    "applications": applications.measure,
    "http": http.measure,
    "view": view.measure,
    "breakers": breakers.measure,
    "outage": outage.measure,
}


def main() -> None:
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # and all is cleaned up
    chosen = arguments.only or list(SECTIONS)
    begin = monotonic()
    sections = _measure(chosen, quick=arguments.quick)
    minutes = (monotonic() - begin) / 60
    arguments.output.write_text(_report(sections, arguments.quick, minutes))
    print(f"{arguments.output}: written in {minutes:.1f} minutes", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, to try it out")
    parser.add_argument(
        "--only",
        action="append",
        choices=SECTIONS,
        metavar="SECTION",
        help=f"one of: {', '.join(SECTIONS)}; may be repeated",
    )
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="the file to write (benchmarks/RESULTS.md)"
    )
    return parser


def _measure(chosen: Sequence[str], *, quick: bool) -> list[Section]:
    with World() as world:
        run, sections = Run(world, quick), []
        for name in chosen:
            print(f"{name} ...", file=sys.stderr, flush=True)
            begin = monotonic()
            sections.append(SECTIONS[name](run))
            print(f"  {monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    return sections


def _report(sections: Sequence[Section], quick: bool, minutes: float) -> str:
    aims = [aim for section in sections for aim in section.aims]
    parts = ["# Benchmarks\n", machine(), f"One run of {minutes:.1f} minutes.\n"]
    if quick:
        parts.append("**A quick run: few rounds, so take no figure for what it is.**\n")
    if aims:
        parts.append(f"## Aims\n\n{aims_table(aims)}")
    return "\n".join([*parts, *(section.markdown() for section in sections)])


if __name__ == "__main__":
    main()
