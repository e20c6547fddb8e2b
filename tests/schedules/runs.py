"""Runs: one schedule, as its steps are chosen one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from greenlet import getcurrent

from .actors import Actor, Parts
from .steps import END, FULL, GO, LATE, Killed, Step, Taken

#: Chooses one of the options: the name of an actor, and what is to become of its step.
Choose = Callable[["Run", Sequence[str]], str]


def nothing(actor: Actor) -> None:
    """Do nothing about an actor that ended."""


class Run:
    """What two actors did, and who is next."""

    def __init__(
        self,
        operations: tuple[Parts, Parts],
        choose: Choose,
        *,
        kills: bool = True,
        on_end: Callable[[Actor], None] = nothing,
    ) -> None:
        one, two = operations
        self.pair = (Actor("A", self, one), Actor("B", self, two))
        self._choose = choose
        #: Whether an actor that ends is a process that is killed, else a thread that is
        #: interrupted.
        self.kills = kills
        self._on_end = on_end
        self.taken: list[Taken] = []
        #: Whether the world may have changed since somebody last looked.
        self.is_changed = True
        #: How often something was let go for which the other may wait.
        self.releases = 0
        #: What the actors take for the time, in seconds.
        self.clock = 0.0
        #: Why it ended before both actors were done.
        self.why_ended: Exception | None = None
        self._have_begun = False
        self._player = getcurrent()

    def play(self) -> None:
        """Let both actors do their operations."""
        for each in reversed(self.pair):
            each.go()
        self._have_begun = True
        present = list(self.pair)
        while present:
            self._following(present[0]).go()
            for each in [actor for actor in present if actor.has_ended]:
                present.remove(each)
                self.releases += 1
                self._on_end(each)

    def other(self, actor: Actor) -> Actor:
        """Return the actor that this one is not."""
        return self.pair[1] if actor is self.pair[0] else self.pair[0]

    def turn(self, actor: Actor, step: Step) -> None:
        """Wait until a step is chosen. Raises ``Killed`` where the whole run ends."""
        actor.pending = step
        if not self._have_begun:
            self._player.switch()
        elif (following := self._following(actor)) is not actor:
            following.go()
        if self.why_ended is not None:
            actor.is_dead = True
            raise Killed

    def _following(self, actor: Actor) -> Actor:
        if self.why_ended is None:
            try:
                return self._chosen(actor)
            except Exception as error:  # For whoever plays the run; the actors' files are closed.
                self.why_ended = error
        return actor

    def _chosen(self, actor: Actor) -> Actor:
        choice = self._choose(self, self._options(actor))
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
