"""A page while production is down: refusing, dropping packets, hanging."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from statistics import median

from . import outage_report
from .contenders import HTTP_FALLBACK, ORIGINAL, Contender
from .http import forget_production
from .process import TookTooLong, WorkerError
from .scenes import BOUNDED, FAULTS, REFUSING, SCENES, Outage, Results, Scene, broken
from .section import Player, Players, Run, Section

BOUND, QUICK_BOUND = 60.0, 15.0


@dataclass(frozen=True)
class Show:
    """One contender's page during one fault, and what comes of it."""

    scene: Scene
    fault: str
    contender: Contender
    outage: Outage

    @property
    def is_alone(self) -> bool:
        """Who is known to do nothing but wait for long can wait with others."""
        answers_soon = self.fault == REFUSING and self.contender is not ORIGINAL
        return self.contender in BOUNDED or answers_soon

    @property
    def label(self) -> str:
        return f"{self.scene.label} {self.scene.operation}, {self.fault}, {self.contender.label}"


def measure(run: Run) -> Section:
    section = Section("A page while production is down")
    bound = QUICK_BOUND if run.quick else BOUND
    shows = [
        Show(scene, fault, contender, Outage())
        for scene, fault in product(SCENES, FAULTS)
        for contender in scene.contenders
    ]
    for show in shows:
        if show.is_alone:
            run.say(show.label)
            _perform(run, [show], bound)
    run.say("those who wait for long, all at once")
    _perform(run, [show for show in shows if not show.is_alone], bound)
    results: Results = {}
    for show in shows:
        results.setdefault((show.scene, show.fault), {})[show.contender] = show.outage
    outage_report.write(section, results, bound)
    section.aims = outage_report.aims(results, bound)
    return section


def _perform(run: Run, shows: list[Show], bound: float) -> None:
    """Healthy pages in turn, then the faults, then the pages: those of many at the same time."""
    with ExitStack() as stack, ThreadPoolExecutor(len(shows)) as pool:
        playing = [
            (show, player) for show in shows for player in stack.enter_context(_player(run, show))
        ]
        for show, player in playing:
            with _excused(show.outage):
                _healthy(run, show, player)
        ports = [stack.enter_context(broken(run, show.scene, show.fault)) for show, _ in playing]
        pages = [
            partial(_down, run, show, player, port, bound)
            for (show, player), port in zip(playing, ports, strict=True)
        ]
        list(pool.map(lambda have_page: have_page(), pages))


@contextmanager
def _player(run: Run, show: Show) -> Iterator[list[Player]]:
    """A process of its own: what one remembers of a backend must not help another."""
    with Players(run, [show.contender]) as players:
        show.outage.reason = players.unable.get(show.contender, "")
        yield list(players.able.values())


@contextmanager
def _excused(outage: Outage) -> Iterator[None]:
    try:
        yield
    except WorkerError as error:
        outage.reason = str(error)


def _healthy(run: Run, show: Show, player: Player) -> None:
    """Have pages before anything breaks: ours once more, so that all connections are there."""
    player.build("healthy", show.scene.members(run, player, None))
    if show.contender is ORIGINAL:
        return  # Half a minute; it is among the other pages.
    pages = []
    for _ in range(3 if show.contender in BOUNDED else 1):
        forget_production(player)
        page = player.run("healthy", show.scene.operation, names=show.scene.names)
        pages.append(page["wall"])
    show.outage.healthy = median(pages[1:] or pages)
    forget_production(player)


def _down(run: Run, show: Show, player: Player, port: int, bound: float) -> None:
    """Have two pages, one right after the other; the first that takes too long is the last."""
    outage = show.outage
    if outage.reason:
        return
    with _excused(outage):
        _build(run, show, player, port)
        try:
            for _ in range(2):
                ask = partial(player.run, "down", show.scene.operation, seconds=bound)
                page = ask(names=show.scene.names)
                outage.pages.append(page["wall"])
                outage.failed = sum(page["errors"].values())
        except TookTooLong:
            outage.pages.append(None)


def _build(run: Run, show: Show, player: Player, port: int) -> None:
    members = show.scene.members(run, player, port)
    if show.contender is HTTP_FALLBACK:  # It read its setting when it was imported.
        player.worker.ask("http_fallback_url", url=members[1]["options"]["base_url"])
    player.build("down", members)
    if show.contender in BOUNDED:
        index = show.scene.down
        answer = player.worker.ask("threshold", key=f"{player.label}: down", backend=index)
        show.outage.threshold = answer["failures"]
