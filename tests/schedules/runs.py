"""Runs: one schedule, as its steps are chosen one after the other."""

from __future__ import annotations

import _thread
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .actors import Actor, Parts
from .steps import END, FULL, GO, LATE, Killed, Step, Taken

#: Chooses one of the options: the name of an actor, and what is to become of its step.
Choose = Callable[["Run", Sequence[str]], str]


def nothing(actor: Actor) -> None:
    """Do nothing about an actor that ended."""


@dataclass
class Run:
    """What two actors did, and who is next."""

    pair: tuple[Actor, Actor]
    choose: Choose
    #: Whether an actor that ends is a process that is killed, else a thread that is interrupted.
    kills: bool = True
    #: What else happens when an actor has ended.
    on_end: Callable[[Actor], None] = nothing
    taken: list[Taken] = field(default_factory=list)
    #: Whether the world may have changed since somebody last looked.
    is_changed: bool = True
    #: How often something was let go for which the other may wait.
    releases: int = 0
    #: What the actors take for the time, in seconds.
    clock: float = 0.0
    #: Why it ended before both actors were done.
    why_ended: Exception | None = None

    def play(self, operations: tuple[Parts, Parts]) -> None:
        """Let both actors do their operations."""
        for each, parts in zip(self.pair, operations, strict=True):
            each.prepare(self, parts)
        self._not_begun = list(self.pair)
        self._over = _thread.allocate_lock()
        self._over.acquire()
        self._not_begun.pop().go()
        self._over.acquire()

    def other(self, actor: Actor) -> Actor:
        """Return the actor that this one is not."""
        return self.pair[1] if actor is self.pair[0] else self.pair[0]

    def turn(self, actor: Actor, step: Step) -> None:
        """Wait until a step is chosen. Raises ``Killed`` where the whole run ends."""
        actor.pending = step
        following = self._following(actor)
        if following is not actor:
            following.go()
            actor.wait()
        if self.why_ended is not None:
            actor.is_dead = True
            raise Killed

    def has_ended(self, actor: Actor) -> None:
        """Let the other go on, as this actor has nothing more to do."""
        actor.has_ended = True
        self.releases += 1
        self.on_end(actor)
        if self._not_begun or not self.other(actor).has_ended:
            self._following(self.other(actor)).go()
        else:
            self._over.release()

    def _following(self, actor: Actor) -> Actor:
        if self._not_begun:
            return self._not_begun.pop()
        if self.why_ended is None:
            try:
                return self._chosen(actor)
            except Exception as error:  # For whoever plays the run: here nobody would hear of it.
                self.why_ended = error
        return actor

    def _chosen(self, actor: Actor) -> Actor:
        choice = self.choose(self, self._options(actor))
        chosen = next(each for each in self.pair if each.name == choice[0])
        chosen.how = choice[1:]
        return chosen

    def _options(self, actor: Actor) -> list[str]:
        """Return what can be next, first of all that whoever arrived goes on."""
        return [
            each.name + how
            for each in (actor, self.other(actor))
            if each.pending is not None and self._may_go_on(each, actor)
            for how in (GO, END, FULL, LATE)
            if _can(each.pending, how)
        ]

    def _may_go_on(self, each: Actor, arrived: Actor) -> bool:
        if each.has_ended:
            return False
        assert arrived.pending is not None
        return each is arrived or arrived.has_ended or not arrived.pending.quiet


def _can(step: Step, how: str) -> bool:
    if how == LATE:
        return step.has_deadline and not step.ready()
    if how == FULL:
        return step.takes_room
    if how == END:
        return not step.in_memory
    return step.ready()
