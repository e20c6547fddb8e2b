"""All that is found of a combined storage."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import DEFAULT_STORAGE_ALIAS

from fallback_storage.combined.base import CombinedStorage
from fallback_storage.diagnosis.clock import clock
from fallback_storage.diagnosis.file import file
from fallback_storage.diagnosis.finding import Finding, Findings, Level, problem
from fallback_storage.diagnosis.media import media_url
from fallback_storage.diagnosis.reach import reach
from fallback_storage.diagnosis.timeouts import timeouts
from fallback_storage.diagnosis.writing import writing
from fallback_storage.status import built


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Questions:
    """What is to be looked at, and by which clocks."""

    name: str | None = None
    base_url: str | None = None
    check_write: bool = False
    clock: Callable[[], float] = time.perf_counter
    now: Callable[[], datetime] = _now


@dataclass(frozen=True)
class Diagnosis:
    """What was found of the combined storage of an alias; ``storage`` is its dotted path."""

    alias: str
    storage: str
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.level is Level.PROBLEM)

    @property
    def is_healthy(self) -> bool:
        """Whether no problem was found."""
        return not self.problems


def diagnose(alias: str, dotted_path: str, questions: Questions) -> Diagnosis:
    """Ask a combined storage and its backends; change nothing.

    Raises ``SuspiciousOperation`` where the name is none of a file.
    """
    try:
        storage = built(alias)
    except Exception as error:  # Whatever a storage raises when built.
        broken = problem(
            "cannot-be-built",
            alias,
            f"cannot be built: {type(error).__name__}",
            "manage.py check may tell why.",
        )
        return Diagnosis(alias, dotted_path, (broken,))
    return Diagnosis(alias, dotted_path, tuple(_findings(alias, storage, questions)))


def _findings(alias: str, storage: CombinedStorage, questions: Questions) -> Findings:
    if questions.name is not None:
        storage._path_name(questions.name)  # Before anybody is asked.
    for backend in storage.members.backends:
        answers = tuple(reach(backend, questions.clock))
        yield from answers
        yield from timeouts(backend)
        if answers[0].code == "unreachable":
            continue
        yield from clock(backend, questions.now)
        if questions.check_write:
            yield from writing(backend)
    if questions.name is not None:
        yield from file(storage, questions.name, base_url=questions.base_url, now=questions.now)
    if alias == DEFAULT_STORAGE_ALIAS:
        yield from media_url()
