"""The part of a file that a request wants (RFC 9110, 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII)


@dataclass(frozen=True)
class Range:
    """The bytes from ``start`` to just before ``stop``; a suffix is the last ``suffix`` bytes."""

    start: int = 0
    stop: int | None = None
    suffix: int | None = None

    @property
    def header(self) -> str:
        """The range as a request has it."""
        if self.suffix is not None:
            return f"bytes=-{self.suffix}"
        return f"bytes={self.start}-{'' if self.stop is None else self.stop - 1}"

    def within(self, size: int) -> Range | None:
        """Return the bytes of a file of that size, ``None`` if it has none of them."""
        start = self.start if self.suffix is None else max(size - self.suffix, 0)
        stop = size if self.stop is None else min(self.stop, size)
        return Range(start, stop) if start < stop else None


def wanted(header: str | None) -> Range | None:
    """Return the range that is asked for; ``None``: all of the file.

    A file is given whole where several are asked for, and where the header makes no sense.
    """
    found = _ONE_RANGE.fullmatch(header or "")
    if found is None or found[1] == found[2] == "":
        return None
    first, last = found.groups()
    if not first:
        return Range(suffix=int(last))
    if last and int(last) < int(first):
        return None
    return Range(int(first), int(last) + 1 if last else None)
