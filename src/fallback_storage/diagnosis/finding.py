"""One thing that was found, and what to do about it."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass


class Level(enum.StrEnum):
    """How bad a finding is."""

    WELL = "well"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """What was found of ``subject``; ``code`` names the finding, ``advice`` says what to do."""

    level: Level
    code: str
    subject: str
    says: str
    advice: str = ""


Findings = Iterator[Finding]


def well(code: str, subject: str, says: str) -> Finding:
    return Finding(Level.WELL, code, subject, says)


def note(code: str, subject: str, says: str, advice: str = "") -> Finding:
    return Finding(Level.NOTE, code, subject, says, advice)


def problem(code: str, subject: str, says: str, advice: str) -> Finding:
    return Finding(Level.PROBLEM, code, subject, says, advice)
