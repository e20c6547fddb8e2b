"""What is looked at while production is down, by whom, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from . import faults
from .contenders import (
    BARE,
    FALLBACK,
    HTTP_FALLBACK,
    LOCALDEV,
    ORIGINAL,
    OVERLAY_HTTP,
    Contender,
)
from .section import Player, Run
from .world import ALL, HALF

DEADLINE = 2.0
OURS_BOUNDED = replace(FALLBACK, label=f"{FALLBACK.label}, TIMEOUT {DEADLINE:.0f}")
OVERLAY_BOUNDED = replace(OVERLAY_HTTP, label=f"{OVERLAY_HTTP.label}, TIMEOUT {DEADLINE:.0f}")
BOUNDED = (OURS_BOUNDED, OVERLAY_BOUNDED)

S3_CONTENDERS = (OURS_BOUNDED, FALLBACK, ORIGINAL, BARE)
HTTP_CONTENDERS = (OVERLAY_BOUNDED, OVERLAY_HTTP, HTTP_FALLBACK, LOCALDEV)


@dataclass(frozen=True)
class Scene:
    """A page of one kind, over a layout whose production breaks."""

    label: str
    operation: str
    names: tuple[str, ...]
    contenders: tuple[Contender, ...]
    #: The members of a storage, production on a port of its own if one is given.
    members: Callable[[Run, Player, int | None], list[dict[str, Any]]]
    #: Which of them is production.
    down: int


def _two_s3(run: Run, player: Player, port: int | None) -> list[dict[str, Any]]:
    first = {**run.world.s3("one", port=port), **_entry(player)}
    return [first] if player.contender.is_bare else [first, run.world.s3("two")]


def _over_site(run: Run, player: Player, port: int | None) -> list[dict[str, Any]]:
    return [
        run.world.local(player.directory),
        {**run.world.site(port=port), **_entry(player)},
    ]


def _entry(player: Player) -> dict[str, Any]:
    return {"entry": {"TIMEOUT": DEADLINE}} if player.contender in BOUNDED else {}


SCENES = (
    Scene("[S3 down, S3']", "open, read", tuple(ALL), S3_CONTENDERS, _two_s3, 0),
    Scene("[S3 down, S3']", "url", tuple(ALL), S3_CONTENDERS, _two_s3, 0),
    Scene("[FileSystem, HTTP down]", "open, read", tuple(HALF), HTTP_CONTENDERS, _over_site, 1),
)
REFUSING, DROPPING, HANGING = FAULTS = ("refusing", "dropping packets", "hanging")


@dataclass
class Outage:
    """One contender's pages: before, and during; nanoseconds, or `None` for too long."""

    healthy: float | None = None
    pages: list[float | None] = field(default_factory=list)
    failed: int = 0
    #: The faults after which the breaker opens.
    threshold: int = 0
    #: Why there is nothing to tell.
    reason: str = ""


Outages = dict[Contender, Outage]
Results = dict[tuple[Scene, str], Outages]


def broken(run: Run, scene: Scene, fault: str) -> AbstractContextManager[int]:
    if fault == REFUSING:
        return faults.refusing()
    if fault == DROPPING:
        return faults.dropping()
    server = run.world.first
    assert server.ports  # noqa: S101
    port = run.world.site_port if scene.members is _over_site else server.ports.s3
    return faults.hanging(server, port)
