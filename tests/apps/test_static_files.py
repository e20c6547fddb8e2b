"""WhiteNoise and django-compressor: static files are no business of a combined storage."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import storages
from django.core.management import call_command
from django.template import Context, Template
from django.test import Client, override_settings

from tests.apps.conftest import forget_storages
from tests.apps.worlds import World, streamed


@pytest.fixture
def collected(tmp_path: Path, world: World) -> Iterator[Path]:
    """The static files of the tests, collected."""
    source, root = tmp_path / "source", tmp_path / "collected"
    source.mkdir()
    root.mkdir()
    (source / "page.css").write_text("body { color: red }")
    hashed = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    with override_settings(
        STORAGES=settings.STORAGES | {"staticfiles": hashed},
        STATIC_ROOT=str(root),
        STATICFILES_DIRS=[str(source)],
        STATICFILES_FINDERS=[
            "django.contrib.staticfiles.finders.FileSystemFinder",
            "compressor.finders.CompressorFinder",
        ],
        COMPRESS_ROOT=str(root),
        COMPRESS_URL="/static/",
    ):
        call_command("collectstatic", interactive=False, verbosity=0, stdout=io.StringIO())
        forget_storages()
        yield root


def test_static_files_are_collected_hashed_and_served(
    world: World, collected: Path, client: Client
) -> None:
    url = staticfiles_storage.url("page.css")
    assert url != "/static/page.css"
    assert (collected / url.removeprefix("/static/")).read_bytes() == b"body { color: red }"
    with world.production_down():
        answer = client.get(url)
        assert answer.status_code == 200
        assert streamed(answer) == b"body { color: red }"
    assert storages["staticfiles"].__class__.__module__ == "whitenoise.storage"


def test_compressed_files_lie_with_the_static_files(world: World, collected: Path) -> None:
    page = Template(
        "{% load compress %}{% compress css %}"
        "<link rel='stylesheet' href='/static/page.css'>"
        "{% endcompress %}"
    )
    with world.production_down(), override_settings(COMPRESS_ENABLED=True):
        shown = page.render(Context({}))
    assert "/static/CACHE/css/" in shown
    assert list(collected.glob("CACHE/css/*.css"))
