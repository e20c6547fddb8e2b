"""The options that are mappings: ``promote``, ``presence`` and ``BREAKER``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from fallback_storage.conf import values
from fallback_storage.conf.words import refuse_unknown


@dataclass(frozen=True)
class Promotion:
    """Which files a read copies up: at most ``max_size`` bytes, names by shell patterns."""

    max_size: int | None = None
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def includes(self, name: str) -> bool:
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


def promotion(value: Any, place: str) -> Promotion | None:
    """Return what ``promote`` says; ``None``: nothing is copied up on a read."""
    if isinstance(value, bool):
        return Promotion() if value else None
    if not isinstance(value, Mapping):
        raise ImproperlyConfigured(f"{place} must be True, False or a mapping.")
    return Promotion(**_checked(value, place, _PROMOTION))


def presence(value: Any, place: str) -> PresenceOptions | None:
    """Return what ``presence`` says; ``None``: nothing is remembered."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ImproperlyConfigured(f"{place} must be None or a mapping.")
    return PresenceOptions(**_checked(value, place, _PRESENCE))


def breaker(value: Any, place: str) -> BreakerOptions | None:
    """Return what ``BREAKER`` says; ``None``: there is to be none."""
    if isinstance(value, bool):
        return BreakerOptions() if value else None
    if not isinstance(value, Mapping):
        raise ImproperlyConfigured(f"{place} must be True, False or a mapping.")
    options = BreakerOptions(**_checked(value, place, _BREAKER))
    if options.max_cooldown < options.cooldown:
        raise ImproperlyConfigured(f"{place}: max_cooldown must not be less than cooldown.")
    return options


Check = Callable[[Any, str], Any]


def _checked(value: Mapping[str, Any], place: str, checks: Mapping[str, Check]) -> dict[str, Any]:
    refuse_unknown(value, checks, place, "key")
    return {key: checks[key](value[key], f"{place}: {key}") for key in value}


def _optional(check: Check) -> Check:
    return lambda value, place: None if value is None else check(value, place)


def _patterns(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(p, str) for p in value):
        raise ImproperlyConfigured(f"{place} must be a list of shell patterns, as '*.jpg'.")
    return tuple(value)


def _alias(value: Any, place: str) -> str:
    if not isinstance(value, str) or not value:
        raise ImproperlyConfigured(f"{place} must be an alias of CACHES.")
    return value


_PROMOTION: dict[str, Check] = {
    "max_size": _optional(partial(values.whole, unit="bytes", least=0)),
    "include": _patterns,
    "exclude": _patterns,
}
_PRESENCE: dict[str, Check] = {
    "cache": _alias,
    "found": partial(values.whole, unit="seconds", least=0),
    "missing": partial(values.whole, unit="seconds", least=0),
}
_BREAKER: dict[str, Check] = {
    "failures": partial(values.whole, unit="faults", least=1),
    "rate": values.share,
    "minimum_calls": partial(values.whole, unit="calls", least=1),
    "window": values.seconds,
    "slow_call": _optional(values.seconds),
    "slow_fault": _optional(partial(values.seconds, zero=True)),
    "cooldown": values.seconds,
    "max_cooldown": values.seconds,
    "jitter": values.share,
    "lease": values.seconds,
}
