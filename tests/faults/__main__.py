"""Make one run again, call by call: python -m tests.faults "<a run as a failure names it>"."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import django

RUN = re.compile(
    r"(?P<cls>\w+)\[(?P<members>[^]]+)\] ?(?P<options>.*?) ?holding (?P<holds>[v-]+)"
    r"(?P<whiteout> whiteout)?(?P<known> known)? \| (?P<operation>[^|]+) \| (?P<strike>.+)"
)
STRIKE = re.compile(
    r"n=(?P<call>\d+) (?P<when>\w+) (?P<kind>\w+)(?P<lasting> lasting)?(?: and n=(?P<again>\d+))?"
)


def main(line: str) -> None:
    from .hangs import virtual_clock
    from .runs import Site, judged
    from .strikes import HUNG

    world, operation, strike = parsed(line)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hangs = strike is not None and strike.kind == HUNG
        clock = stack.enter_context(virtual_clock()) if hangs else None
        site = Site(world.setup, directory, clock)
        run = site.run(world, operation, strike)
        wrong = judged(site, run)
    lines = [str(run)]
    lines += [f"  before, backend {n}: {files}" for n, files in enumerate(run.before)]
    for number, call in enumerate(run.calls, start=1):
        failed = "  <- failed" if any(call is each for each in run.failed) else ""
        lines.append(f"{number:4} backend {call.backend}: {call.operation}{failed}")
    lines += [f"  after, backend {n}: {files}" for n, files in enumerate(run.after)]
    lines += [f"it {run.outcome}", *(f"WRONG: {each}" for each in wrong)]
    sys.stdout.write("\n".join(lines) + "\n")


def parsed(line: str) -> Any:
    from .operations import OPERATIONS
    from .strikes import Strike
    from .worlds import Setup, World

    found = RUN.search(line)
    if found is None:
        raise SystemExit(f"This is no run: {line!r}.")
    setup = Setup(
        found["cls"],
        tuple(_member(word) for word in found["members"].split(", ")),
        on_fault=next((w for w in ("raise", "skip") if w in found["options"]), "failover"),
        delete="all" if "delete=all" in found["options"] else "first",
        promote="promote" in found["options"],
    )
    world = World(
        setup,
        tuple(letter == "v" for letter in found["holds"]),
        bool(found["whiteout"]),
        bool(found["known"]),
    )
    struck = STRIKE.match(found["strike"])
    strike = struck and Strike(
        int(struck["call"]),
        struck["when"],
        struck["kind"],
        bool(struck["lasting"]),
        int(struck["again"] or 0),
    )
    return world, OPERATIONS[found["operation"]], strike


def _member(word: str) -> Any:
    from .worlds import Member

    kind = re.match(r"\w+", word)
    assert kind is not None
    return Member(kind[0], "+" in word, "(ro)" in word, "(dim)" in word)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    main(sys.argv[1])
