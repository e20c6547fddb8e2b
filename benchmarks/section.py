"""A part of the report: what it measures with, what it says, and the aims it can judge."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Self, TypeVar

from .aims import Aim
from .contenders import Contender
from .process import SECONDS, Worker, WorkerError
from .venvs import NotInstalled
from .world import World

T = TypeVar("T")


@dataclass
class Section:
    """Markdown below a heading, and aims."""

    title: str
    text: list[str] = field(default_factory=list)
    aims: list[Aim] = field(default_factory=list)

    def add(self, *paragraphs: str) -> None:
        self.text.extend(paragraphs)

    def markdown(self) -> str:
        return "\n".join([f"## {self.title}\n", *self.text])


@dataclass(frozen=True)
class Run:
    """One run of the benchmarks."""

    world: World
    quick: bool

    def say(self, text: str) -> None:
        """Show progress."""
        print(f"  {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Player:
    """A contender at work: its process, and the directory that is its first member."""

    contender: Contender
    worker: Worker
    directory: Path

    @property
    def label(self) -> str:
        return self.contender.label

    def build(
        self, key: str, members: Sequence[dict[str, Any]], recipe: str = "", **options: Any
    ) -> None:
        """Build one of its storages, in its own way if `recipe` says no other."""
        self.worker.ask(
            "build",
            key=f"{self.label}: {key}",
            recipe=recipe or self.contender.recipe,
            members=members,
            **{**self.contender.options, **options},
        )

    def run(
        self, key: str, operation: str, *, seconds: float = SECONDS, **batch: Any
    ) -> dict[str, Any]:
        """Run a batch of calls: see `calls.run`."""
        self.send(key, operation, **batch)
        return self.worker.receive(seconds)

    def send(self, key: str, operation: str, **batch: Any) -> None:
        """Have a batch of calls run; the worker is to be asked for the answer."""
        self.worker.send("run", key=f"{self.label}: {key}", operation=operation, **batch)


Able = dict[Contender, Player]


class Players:
    """The contenders of a section; a context manager. Who cannot take part is said why."""

    def __init__(
        self, run: Run, contenders: Sequence[Contender], *, counted: bool = False
    ) -> None:
        self.able: Able = {}
        self.unable: dict[Contender, str] = {}
        self._run = run
        self._contenders = contenders
        self._site = run.world.site(counted=counted)
        self._workers: dict[str, Worker] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._stack = stack
            for contender in self._contenders:
                with self.excusing(contender):
                    self._start(contender)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def excusing(self, contender: Contender) -> Iterator[None]:
        """Whoever fails here takes no part any more."""
        try:
            yield
        except (WorkerError, NotInstalled, OSError) as error:
            self.able.pop(contender, None)
            self.unable[contender] = f"{error}"
            self._run.say(f"{contender.label}: {error}")

    def build(self, build: Callable[[Player], None]) -> None:
        """Have each contender's storages built."""
        for contender, player in list(self.able.items()):
            with self.excusing(contender):
                build(player)

    def excuses(self) -> str:
        """Say who did not take part, and why."""
        return "".join(
            f"{contender.label} ({contender.environment.name}) did not run: {reason}\n"
            for contender, reason in self.unable.items()
        )

    def _start(self, contender: Contender) -> None:
        directory = self._run.world.directory()
        name = contender.environment.name
        if name not in self._workers:
            self._workers[name] = self._stack.enter_context(
                Worker(contender.environment, **self._settings(directory))
            )
        self.able[contender] = Player(contender, self._workers[name], directory)

    def _settings(self, directory: Path) -> dict[str, Any]:
        return {
            "MEDIA_ROOT": str(directory),
            "FALLBACK_STORAGE_URL": self._site["options"]["base_url"],
            "FALLBACK_STORAGE_LOGGING": True,
        }


def in_turn(items: Sequence[T], number: int) -> list[T]:
    """Who follows whom changes from round to round: a file just written slows down the next."""
    start = number % len(items)
    turned = [*items[start:], *items[:start]]
    return turned if number // len(items) % 2 else turned[::-1]


def median_ratio(mine: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios within the rounds."""
    return median(one / other for one, other in zip(mine, theirs, strict=False))
