"""Validators: each returns a value that is right, or raises ``ImproperlyConfigured``.

A place names what is wrong, as ``backends[0]: TIMEOUT`` does. No message shows a value: it may be
a secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured

#: The longest time that an option takes. On Windows a lock waits no longer than 49 days.
MAX_SECONDS = 1_000_000

#: Takes a value and its place.
Validator = Callable[[Any, str], Any]


def mapping(value: Any, place: str, *, instead_of: str = "") -> Mapping[str, Any]:
    """Return a mapping; ``instead_of`` says what else the caller accepts."""
    if not isinstance(value, Mapping):
        refuse(place, f"must be {instead_of and instead_of + ' or '}a mapping")
    return value


def flag(value: Any, place: str) -> bool:
    """Return ``True`` or ``False``."""
    if not isinstance(value, bool):
        refuse(place, "must be True or False")
    return value


def whole_number(value: Any, place: str, *, unit: str, least: int) -> int:
    """Return an int of at least ``least``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        refuse(place, f"must be a whole number of {unit}, {least} or more")
    return value


def seconds(value: Any, place: str, *, zero: bool = False) -> float:
    """Return a number of seconds up to ``MAX_SECONDS``; ``zero`` says whether 0 is allowed."""
    if not _is_number(value) or not 0 <= value <= MAX_SECONDS or (value == 0 and not zero):
        least = "0 or more" if zero else "more than 0"
        refuse(place, f"must be a number of seconds, {least} and at most {MAX_SECONDS}")
    return float(value)


def share(value: Any, place: str) -> float:
    """Return a number from 0 to 1."""
    if not _is_number(value) or not 0 <= value <= 1:
        refuse(place, "must be a number from 0 to 1")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def text(value: Any, place: str, *, what: str = "text that is not empty") -> str:
    """Return a text that is not empty; ``what`` says what it has to be."""
    if not isinstance(value, str) or not value:
        refuse(place, f"must be {what}")
    return value


def texts(value: Any, place: str, *, what: str) -> tuple[str, ...]:
    """Return a list of texts as a tuple; ``what`` says what the list has to be."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        refuse(place, f"must be {what}")
    return tuple(value)


def choice(value: Any, place: str, *, choices: Sequence[Any]) -> Any:
    """Return one of ``choices``; the message names the one that is nearest to a text."""
    # By its type as well: 0 is equal to False.
    if not any(value == each and isinstance(value, type(each)) for each in choices):
        *others, last = map(repr, choices)
        words = [each for each in choices if isinstance(each, str)]
        near = did_you_mean(value, words) if isinstance(value, str) else ""
        refuse(place, f"must be {', '.join(others)} or {last}", near)
    return value


def function(value: Any, place: str) -> Any:
    """Return what can be called."""
    if not callable(value):
        refuse(place, "must be a function")
    return value


def optional(validator: Validator) -> Validator:
    """Return a validator that also accepts ``None``."""
    return lambda value, place: None if value is None else validator(value, place)


def validated(
    given: Mapping[str, Any], validators: Mapping[str, Validator], place: str, what: str
) -> dict[str, Any]:
    """Return every value of ``given``, each validated; ``what`` says what a name in it is called.

    Raises ``ImproperlyConfigured`` for an unknown name too.
    """
    refuse_unknown(given, validators, place, what)
    return {name: validators[name](given[name], f"{place}: {name}") for name in given}


def refuse(place: str, problem: str, hint: str = "") -> NoReturn:
    """Raise ``ImproperlyConfigured``: what is wrong at ``place``, then a hint."""
    raise ImproperlyConfigured(f"{place} {problem}.{hint and ' ' + hint}")


def refuse_unknown(given: Iterable[str], known: Collection[str], place: str, what: str) -> None:
    """Raise ``ImproperlyConfigured`` for an unknown word, naming the nearest known one."""
    for word in given:
        if word not in known:
            hint = f" {near}" if (near := did_you_mean(word, known)) else ""
            raise ImproperlyConfigured(
                f"{place}: unknown {what} {word!r}.{hint} Known: {', '.join(sorted(known))}."
            )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question that names the nearest known word, ``""`` if none is near."""
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(str(word).lower(), by_lower, n=1)
    return f"Did you mean {by_lower[near[0]]!r}?" if near else ""
