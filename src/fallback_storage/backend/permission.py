"""Whether a storage could be written with what its settings hold."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Writing(enum.StrEnum):
    """Whether a storage could be written."""

    CAN = "can write"
    NOT_SEEN = "no write permission seen"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Permission:
    """Whether a storage could be written, and what says so."""

    writing: Writing
    evidence: str
