"""What was aimed at, and whether it was met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .table import NOTHING, table


@dataclass(frozen=True)
class Aim:
    """A promise with a limit, and what was measured; `None` if it could not be."""

    what: str
    limit: float
    measured: float | None
    unit: str = "times"
    figures: int = 2
    #: Which cases miss it, where there are several.
    where: str = ""

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        over = self.measured - self.limit
        where = f": {self.where}" if self.where else ""
        return f"missed by {self._shown(over)}{where}" if over > 0 else "met"

    def row(self) -> list[str]:
        measured = NOTHING if self.measured is None else self._shown(self.measured)
        return [self.what, f"≤ {self._shown(self.limit)}", measured, self.verdict]

    def _shown(self, value: float) -> str:
        return f"{value:.{self.figures}f} {self.unit}".strip()


def aims_table(aims: Sequence[Aim]) -> str:
    return table(["aim", "limit", "measured", ""], [aim.row() for aim in aims])
