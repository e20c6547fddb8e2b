"""Where the exhaustive tests have their files."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

#: A file system in memory, where there is one: these tests make and remove directories by the
#: hundred thousand, and a disk may take milliseconds for each. All other tests are on the disk.
MEMORY = next(filter(os.path.isdir, ["/dev/shm"]), None)  # noqa: S108 - only its existence


@pytest.fixture(autouse=True)
def _in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    if MEMORY is not None:
        monkeypatch.setattr(tempfile, "tempdir", MEMORY)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A directory in memory, removed at once."""
    with TemporaryDirectory(dir=MEMORY) as directory:
        yield Path(directory)


@pytest.fixture(autouse=True)
def _untraced(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave a slow test out of what coverage measures, which would double the time it takes.

    ``no_cover`` does that too, but not in a worker of xdist: pytest-cov measures there twice.
    """
    if request.node.get_closest_marker("slow") is None:
        yield
        return
    here, in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    yield
    threading.settrace(in_threads)
    sys.settrace(here)
