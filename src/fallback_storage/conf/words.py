"""The words of a configuration: those that are known, and the nearest to one that is not."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from django.core.exceptions import ImproperlyConfigured


def refuse_unknown(given: Iterable[str], known: Collection[str], place: str, what: str) -> None:
    """Raise ``ImproperlyConfigured`` for a word that is not known, with the nearest that is."""
    for word in given:
        if word not in known:
            hint = f" {near}" if (near := did_you_mean(word, known)) else ""
            raise ImproperlyConfigured(
                f"{place}: unknown {what} {word!r}.{hint} Known: {', '.join(sorted(known))}."
            )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the question for the nearest word that is known, ``""`` if none is near."""
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(str(word).lower(), by_lower, n=1)
    return f"Did you mean {by_lower[near[0]]!r}?" if near else ""
