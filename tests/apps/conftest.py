"""The worlds that each application is used in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import compressor.storage
import pytest
import sorl.thumbnail.default
from compressor.storage import compressor_file_storage
from django.conf import settings
from django.core.cache import cache
from django.test import override_settings
from django.utils.functional import empty
from filer.settings import FILER_PUBLICMEDIA_STORAGE, FILER_PUBLICMEDIA_THUMBNAIL_STORAGE
from private_storage.storage import private_storage
from sorl.thumbnail.images import get_or_create_storage

from example.seaweedfs import SeaweedFS
from tests.apps.files import site
from tests.apps.gate import Gate
from tests.apps.models import Picture
from tests.apps.worlds import S3, Production, Site, World, picture
from tests.servers.requests import counting

#: Makes a world of that name, and makes it the project's while the block runs.
MakeWorld = Callable[..., Any]


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[SeaweedFS]:
    with SeaweedFS() as server:
        yield server


@pytest.fixture(scope="session")
def s3_gate(seaweedfs: SeaweedFS) -> Iterator[Gate]:
    assert seaweedfs.ports is not None
    with Gate(seaweedfs.ports.s3) as gate:
        yield gate


#: What stands for an alias; but for Django's own none of them heeds changed settings.
LAZY = (
    *(FILER_PUBLICMEDIA_STORAGE, FILER_PUBLICMEDIA_THUMBNAIL_STORAGE, private_storage),
    *(sorl.thumbnail.default.storage, compressor_file_storage, compressor.storage.default_storage),
)


def forget_storages() -> None:
    """Let the applications build their storages anew."""
    for lazy in LAZY:
        lazy._wrapped = empty
    get_or_create_storage.cache_clear()


@pytest.fixture
def make_world(request: pytest.FixtureRequest, tmp_path: Path) -> MakeWorld:
    """Makes worlds; production's files and the disk are new in each.

    A production that an overlay lies over is in the end as the test filled it, and was never asked
    to change anything.
    """
    number = iter(range(100))

    @contextmanager
    def production(directory: Path, *, over_http: bool) -> Iterator[Production]:
        if over_http:
            (directory / "site").mkdir(parents=True)
            with site(directory / "site") as server, Gate(server.server_port) as gate:
                yield Site(directory / "site", gate, server.asked)
        else:
            server = request.getfixturevalue("seaweedfs")
            there = S3(server, request.getfixturevalue("s3_gate"))
            with counting(there.through_gate) as there.requests:
                yield there

    @contextmanager
    def make(name: str, **options: Any) -> Iterator[World]:
        directory = tmp_path / str(next(number))
        with production(directory, over_http=name.endswith("HTTP")) as there:
            world = World(name, there, directory, **options)
            staticfiles = {"staticfiles": settings.STORAGES["staticfiles"]}
            aliases = world.storages() | staticfiles
            cache.clear()
            with override_settings(STORAGES=aliases):
                forget_storages()
                yield world
            forget_storages()
            if world.is_overlay:
                assert there.files() == there.given
                assert there.changes() == []

    return make


@pytest.fixture(params=["overlay over S3", "overlay over HTTP", "failover from S3"])
def world(request: pytest.FixtureRequest, make_world: MakeWorld, db: None) -> Iterator[World]:
    """Each world."""
    with make_world(request.param) as made:
        yield made


@pytest.fixture
def old(world: World, db: None) -> Picture:
    """A picture of production's, red, that nothing was made of yet."""
    world.production.put("pictures/old.jpg", picture("red"))
    row: Picture = Picture.objects.create(image="pictures/old.jpg")
    return row


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Callable[[], Any]:
    """Does at the end of the block what waits for the end of a transaction."""
    return partial(django_capture_on_commit_callbacks, execute=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the requests of each page."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "requests":
                terminalreporter.write_line(str(value))
