"""Rows of text, aligned for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


def _plain(text: str) -> str:
    return text


@dataclass(frozen=True)
class Cell:
    """A text, and the style it is shown in: a function of Django's ``self.style``."""

    text: str
    style: Callable[[str], str] = _plain


Row = Sequence[Cell]


def aligned(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a line for each row; the last cell of a row may be as long as it likes."""
    widths = _widths(rows)
    for row in rows:
        *cells, last = row
        # Styled after it is padded: the codes have no width.
        line = [c.style(c.text.ljust(width)) for c, width in zip(cells, widths, strict=False)]
        yield "  ".join([*line, last.style(last.text)]).rstrip()


def _widths(rows: Sequence[Row]) -> list[int]:
    columns = max(len(row) for row in rows)
    inner = [row[:-1] for row in rows]
    return [
        max((len(row[column].text) for row in inner if column < len(row)), default=0)
        for column in range(columns)
    ]
