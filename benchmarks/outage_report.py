"""What is said of the pages while production was down."""

from __future__ import annotations

from collections.abc import Iterator

from .aims import Aim
from .scenes import BOUNDED, DEADLINE, Outage, Outages, Results, Scene
from .section import Section
from .table import NOTHING, seconds, table
from .world import PAGE

SLACK, LATER_LIMIT = 1.1, 1.2


def write(section: Section, results: Results, bound: float) -> None:
    section.add(
        f"The same page of {len(PAGE)} files, while production refuses connections, drops packets"
        " (a listening socket whose backlog\nis full) or hangs (SIGSTOP). Over `[S3 down, S3']`"
        " both have all files; over `[FileSystem, HTTP down]` the directory\nhas every second one"
        " and the others are production's, so they fail. Every client has its defaults; TIMEOUT is"
        f" ours\n({DEADLINE:.0f} s), breakers are as they are by default. The healthy page was"
        f" measured before. A page that takes more than\n{bound:.0f} s is broken off. Who mostly"
        " waits waited at the same time as others. The original's healthy page is among the\n"
        "pages above.\n"
    )
    head = ["", "", "production is", "", "healthy, s", "first page, s", "second page, s", "fail"]
    rows = [
        [scene.label, scene.operation, fault, contender.label, *_cells(outage, bound)]
        for (scene, fault), row in results.items()
        for contender, outage in row.items()
    ]
    section.add(table(head, rows, texts=4))


def _cells(outage: Outage, bound: float) -> list[str]:
    if outage.reason:
        return [outage.reason[:60], *[NOTHING] * 3]
    healthy = NOTHING if outage.healthy is None else seconds(outage.healthy)
    pages = [f"more than {bound:.0f}" if page is None else seconds(page) for page in outage.pages]
    fail = NOTHING if None in outage.pages else str(outage.failed)
    return [healthy, *pages, *[NOTHING] * (2 - len(pages)), fail]


def aims(results: Results, bound: float) -> list[Aim]:
    return [aim for key, outages in results.items() for aim in _aims(*key, outages, bound)]


def _aims(scene: Scene, fault: str, outages: Outages, bound: float) -> Iterator[Aim]:
    outage = next(outage for contender, outage in outages.items() if contender in BOUNDED)
    page = f"{scene.label} {scene.operation}, {fault}"
    # A page that was broken off took longer than it was given, by how much is not known.
    first, second = ([*(each or bound * 1e9 for each in outage.pages), None, None])[:2]
    healthy = outage.healthy
    added = (first - healthy) / 1e9 if first and healthy else None
    limit = outage.threshold * DEADLINE * SLACK
    yield Aim(f"{page}: first page, less a healthy one", limit, added, "s")
    later = second / healthy if second and healthy else None
    yield Aim(f"{page}: second page beside the healthy one", LATER_LIMIT, later)
