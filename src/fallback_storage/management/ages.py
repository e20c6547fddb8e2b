"""Ages as they are written in a command."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import timedelta

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
#: Nothing is older.
_CENTURY = timedelta(days=36_525)


def age(text: str) -> timedelta:
    """Return an age; ``ArgumentTypeError`` for what is none."""
    found = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no age: write 90m, 12h, 30d or 4w.")
    return min(timedelta(**{_UNITS[found[2]]: int(found[1])}), _CENTURY)
