"""How many requests reach production while the applications make a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.apps.conftest import MakeWorld
from tests.apps.pages import PAGES, STORAGES, Count, counts

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


def test_a_page_asks_production_little_more_than_production_alone_would_be_asked(
    table: dict[str, dict[str, Count]], record_property: Any
) -> None:
    record_property("requests", written(table))
    assert written(table) in PAGE.read_text(), written(table)
    for storage, pages in table.items():
        overlay = storage.startswith("overlay")
        for page, count in pages.items():
            bare = table[BARE][page]
            known = 0 if "presence" in storage or "both" in storage else 1
            new = 2 * bare.new if "four" in page else bare.new + 2
            if overlay:
                assert count.known <= max(known, bare.known), (storage, page, written(table))
                assert count.new <= new, (storage, page, written(table))
