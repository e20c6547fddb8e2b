"""A Markdown table, readable as it stands, and the numbers in it."""

from __future__ import annotations

from collections.abc import Sequence

NOTHING = "n/a"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1) -> str:
    """Return a table, its columns padded; the first `texts` are text, the others are numbers."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = [_rule(width, index < texts) for index, width in enumerate(widths)]
    lines = [_line(cells, widths, texts) for cells in (head, rule, *rows)]
    return "\n".join(lines) + "\n"


def _rule(width: int, text: bool) -> str:
    return "-" * width if text else "-" * (width - 1) + ":"


def _line(cells: Sequence[str], widths: Sequence[int], texts: int) -> str:
    padded = [
        cell.ljust(width) if index < texts else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(padded)} |"


def microseconds(nanoseconds: float) -> str:
    """Three figures that count, and no more than a tenth."""
    value = nanoseconds / 1e3
    return f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def milliseconds(nanoseconds: float) -> str:
    value = nanoseconds / 1e6
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def seconds(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e9:.2f}"


def ratio(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"
