"""The pytest plugin that puts a combined storage in the place of each that Django's tests make."""

from __future__ import annotations

import tempfile

import django.core.files.storage
import pytest

from tests.upstream.combined import Disk
from tests.upstream.departures import DEPARTURES

django.core.files.storage.FileSystemStorage = Disk  # type: ignore[misc]

_directory = tempfile.TemporaryDirectory(prefix="upstream-")


def pytest_configure() -> None:
    """Keep what the tests leave behind in one directory."""
    tempfile.tempdir = _directory.name


def pytest_unconfigure() -> None:
    tempfile.tempdir = None
    _directory.cleanup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect to fail what does not apply: should one of them pass, it is no departure."""
    unknown = set(DEPARTURES)
    for item in items:
        for each in item.getparent(pytest.Class).obj.__mro__:  # type: ignore[union-attr]
            name = f"{each.__name__}.{item.name}"
            if name in DEPARTURES:
                item.add_marker(pytest.mark.xfail(reason=DEPARTURES[name], strict=True))
                unknown.discard(name)
    if unknown:
        raise pytest.UsageError(f"Django has no such tests: {sorted(unknown)}")
