"""How many requests reach production while the applications make a page."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.apps.conftest import MakeWorld
from tests.apps.pages import PAGES, SHOWN, STORAGES, Count, counts

BARE = "S3 alone"


@pytest.fixture
def table(make_world: MakeWorld, db: None) -> dict[str, dict[str, Count]]:
    """The counts by storage and page."""
    return {storage: dict(counts(make_world, storage)) for storage in STORAGES}


PAGE = Path(__file__).parents[2] / "docs" / "applications.md"


def written(table: dict[str, dict[str, Count]]) -> str:
    """The table as Markdown."""
    lines = [f"| new, known | {' | '.join(STORAGES)} |", "|---" * (len(STORAGES) + 1) + "|"]
    for page in PAGES:
        cells = [f"{table[each][page].new}, {table[each][page].known}" for each in STORAGES]
        lines.append(f"| {page} | {' | '.join(cells)} |")
    return "\n".join(lines)


def limit(storage: str, page: str, bare: Count) -> Count:
    """How many requests a page may make, where production alone is asked ``bare``."""
    kind, options = STORAGES[storage]
    shown = SHOWN.get(page, 1)
    new = 2 * bare.new if shown > 1 else bare.new + 2
    if "presence" in options:
        return Count(new, known=0)
    return Count(new, known=1 if kind.startswith("overlay") else shown)


def test_a_page_asks_production_little_more_than_production_alone_would_be_asked(
    table: dict[str, dict[str, Count]], record_property: Any
) -> None:
    record_property("requests", written(table))
    for storage, page in product(STORAGES, PAGES):
        count = table[storage][page]
        most = limit(storage, page, table[BARE][page])
        if storage != BARE:
            assert count.new <= most.new, (storage, page, written(table))
            assert count.known <= most.known, (storage, page, written(table))
    assert written(table) in PAGE.read_text(), written(table)
