"""Many processes save at once while the first backend is full now and then: nothing is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .savers import saved_by_many
from .worlds import FALLBACK, OVERLAY

ROUNDS = 10 if os.environ.get("FAULTS") == "all" else 1
SAVES = {True: 3_000, False: 3_000 if ROUNDS > 1 else 1_000}


@pytest.mark.parametrize("on_small_disk", [True, False], ids=["small disk", "injected"])
@pytest.mark.parametrize("cls", [FALLBACK, OVERLAY])
def test_nothing_is_lost_while_a_disk_is_full(
    cls: str, on_small_disk: bool, tmp_path: Path
) -> None:
    for number in range(ROUNDS):
        directory = tmp_path / str(number)
        directory.mkdir()
        saves = SAVES[on_small_disk]
        result = saved_by_many(cls, directory, saves, on_small_disk=on_small_disk)
        assert result["lost"] == [], result
        assert result["double"] == [], result
        # It was full now and then, and not always.
        elsewhere = result["refused" if cls == OVERLAY else "in the second"]
        assert saves // 100 < elsewhere < saves * 99 // 100, result
