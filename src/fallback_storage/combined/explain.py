"""Which backend serves a name, and why."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.members import Members
from fallback_storage.outcomes import Outcome


@dataclass(frozen=True)
class Answer:
    """What one backend said of a name.

    ``seconds`` is the time that all the questions to it took; ``size`` is in bytes.
    """

    backend: str
    outcome: Outcome
    error_type: str | None
    seconds: float
    size: int | None
    modified: datetime | None

    def __str__(self) -> str:
        facts = [f"{self.seconds * 1000:.1f} ms"]
        if self.error_type is not None:
            facts.append(self.error_type)
        if self.size is not None:
            facts.append(f"{self.size} bytes")
        if self.modified is not None:
            facts.append(f"modified {self.modified:%Y-%m-%d %H:%M:%S}")
        return f"{self.backend}: {self.outcome} ({', '.join(facts)})"


@dataclass(frozen=True)
class Explanation:
    """What every backend said of a name, in order, and which one serves it."""

    name: str
    answers: tuple[Answer, ...]
    served_by: str | None
    why: str

    def __str__(self) -> str:
        return "\n".join([f"{self.name!r}: {self.why}", *(f"  {a}" for a in self.answers)])


def explain(
    members: Members, name: str, clock: Callable[[], float] = time.perf_counter
) -> Explanation:
    """Ask every backend for ``name``, also after one has it; raise for none of their errors."""
    answers = tuple(_ask(backend, name, clock) for backend in members.backends)
    served_by, why = _decide(members, answers)
    return Explanation(name, answers, served_by, why)


def _ask(backend: Backend, name: str, clock: Callable[[], float]) -> Answer:
    start = clock()
    error_type = size = modified = None
    try:
        found = backend.exists(name)
    except Exception as error:
        outcome, error_type = backend.outcome_of(error), type(error).__name__
    else:
        outcome = Outcome.ANSWER if found else Outcome.MISSING
        if found:
            size, modified = (
                _fact(backend, "size", name),
                _fact(backend, "get_modified_time", name),
            )
    return Answer(backend.name, outcome, error_type, clock() - start, size, modified)


def _fact(backend: Backend, operation: str, name: str) -> Any:
    with suppress(Exception):  # A fact that cannot be had is left out.
        return getattr(backend, operation)(name)


def _decide(members: Members, answers: tuple[Answer, ...]) -> tuple[str | None, str]:
    """Return which backend serves, and why: what a read would come to."""
    for position, answer in enumerate(answers):
        if answer.outcome is Outcome.ANSWER:
            return answer.backend, _why(answer, answers[:position])
        if answer.outcome.is_fault and members.on_fault == "raise":
            return None, f"not served: {answer.backend} could not answer"
    if faults := [a.backend for a in answers if a.outcome.is_fault]:
        return None, f"not served: {', '.join(faults)} could not answer, the others do not have it"
    return None, "not served: no backend has it"


def _why(answer: Answer, passed: tuple[Answer, ...]) -> str:
    if not passed:
        return f"served by {answer.backend}, the first backend"
    said = ", ".join(f"{a.backend} said {a.outcome}" for a in passed)
    return f"served by {answer.backend}: {said}"
