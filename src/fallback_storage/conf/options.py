"""The options that are mappings: ``promote``, ``presence`` and ``BREAKER``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from fallback_storage.conf import validation
from fallback_storage.conf.validation import Validator, optional, validated


@dataclass(frozen=True)
class Promotion:
    """Which files a read copies up: at most ``max_size`` bytes, names by shell patterns."""

    max_size: int | None = None
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def includes(self, name: str) -> bool:
        """Whether a file of this name may be copied up."""
        return _matches(name, self.include) and not _matches(name, self.exclude)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(frozen=True)
class PresenceOptions:
    """Where it is remembered which backend holds a name, and for how many seconds.

    ``cache`` is an alias of ``CACHES``; ``found`` holds for a name that a backend has,
    ``missing`` for one that none has.
    """

    cache: str = "default"
    found: int = 3600
    missing: int = 60


@dataclass(frozen=True)
class BreakerOptions:
    """When a breaker opens, and for how long. Times are in seconds.

    It opens after ``failures`` consecutive faults; or when ``rate`` of at least ``minimum_calls``
    calls, within ``window`` of a fault, were faults; or with one fault that took longer than
    ``slow_fault``. A call that took longer than ``slow_call`` counts as a fault. It stays open for
    ``cooldown``, twice as long each time a probe fails, ``max_cooldown`` at most, each less up to
    ``jitter`` of it. A probe that has not ended after ``lease`` gives way to another.
    """

    failures: int = 5
    rate: float = 0.5
    minimum_calls: int = 20
    window: float = 60.0
    slow_call: float | None = None
    slow_fault: float | None = 5.0
    cooldown: float = 10.0
    max_cooldown: float = 120.0
    jitter: float = 0.1
    lease: float = 60.0


_size = partial(validation.whole_number, unit="bytes", least=0)
_whole_seconds = partial(validation.whole_number, unit="seconds", least=0)
_patterns = partial(validation.texts, what="a list of shell patterns, such as ['*.jpg']")

_PROMOTION: dict[str, Validator] = {
    "max_size": optional(_size),
    "include": _patterns,
    "exclude": _patterns,
}
_PRESENCE: dict[str, Validator] = {
    "cache": partial(validation.text, what="an alias of CACHES"),
    "found": _whole_seconds,
    "missing": _whole_seconds,
}
_BREAKER: dict[str, Validator] = {
    "failures": partial(validation.whole_number, unit="faults", least=1),
    "rate": validation.share,
    "minimum_calls": partial(validation.whole_number, unit="calls", least=1),
    "window": validation.seconds,
    "slow_call": optional(validation.seconds),
    "slow_fault": optional(partial(validation.seconds, zero=True)),
    "cooldown": validation.seconds,
    "max_cooldown": validation.seconds,
    "jitter": validation.share,
    "lease": validation.seconds,
}


def parse_promotion(value: Any, place: str) -> Promotion | None:
    """Return what ``promote`` says; ``None``: a read copies nothing up."""
    if isinstance(value, bool):
        return Promotion() if value else None
    given = validation.mapping(value, place, instead_of="True, False")
    return Promotion(**validated(given, _PROMOTION, place, "key"))


def parse_presence(value: Any, place: str) -> PresenceOptions | None:
    """Return what ``presence`` says; ``None``: nothing is remembered."""
    if value is None:
        return None
    given = validation.mapping(value, place, instead_of="None")
    return PresenceOptions(**validated(given, _PRESENCE, place, "key"))


def parse_breaker(value: Any, place: str) -> BreakerOptions | None:
    """Return what ``BREAKER`` says; ``None``: there is no breaker."""
    if isinstance(value, bool):
        return BreakerOptions() if value else None
    given = validation.mapping(value, place, instead_of="True, False")
    options = BreakerOptions(**validated(given, _BREAKER, place, "key"))
    if options.max_cooldown < options.cooldown:
        validation.refuse(f"{place}: max_cooldown", "must not be less than cooldown")
    return options
