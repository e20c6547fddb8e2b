"""Values of a configuration, checked: what is returned is what was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def mapping(value: Any, place: str) -> Mapping[str, Any]:
    """Return a mapping, or raise ``ImproperlyConfigured``."""
    if not isinstance(value, Mapping):
        raise ImproperlyConfigured(f"{place} must be a mapping.")
    return value


def flag(value: Any, place: str) -> bool:
    """Return ``True`` or ``False``, or raise ``ImproperlyConfigured``."""
    if not isinstance(value, bool):
        raise ImproperlyConfigured(f"{place} must be True or False.")
    return value


def whole(value: Any, place: str, unit: str, least: int) -> int:
    """Return an int of at least ``least``, or raise ``ImproperlyConfigured``."""
    if type(value) is not int or value < least:
        raise ImproperlyConfigured(f"{place} must be a number of {unit}, {least} or more.")
    return value


def seconds(value: Any, place: str, *, zero: bool = False) -> float:
    """Return a finite number of seconds above 0, or raise ``ImproperlyConfigured``.

    ``zero``: whether 0 will do as well.
    """
    if not _is_number(value) or value < 0 or (value == 0 and not zero):
        raise ImproperlyConfigured(f"{place} must be a number of seconds, {_least(zero)}.")
    return float(value)


def share(value: Any, place: str) -> float:
    """Return a number from 0 to 1, or raise ``ImproperlyConfigured``."""
    if not _is_number(value) or not 0 <= value <= 1:
        raise ImproperlyConfigured(f"{place} must be a number from 0 to 1.")
    return float(value)


def _is_number(value: Any) -> bool:
    # A threading.Lock takes no more, and infinity is no bound.
    return type(value) in (int, float) and value <= MAX_SECONDS


def _least(zero: bool) -> str:
    return f"{'0' if zero else 'above 0'} to {MAX_SECONDS}"


MAX_SECONDS = 1_000_000
