"""The example site, served as its visitors get it, and a browser that looks at it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from example.bucket import BUCKET
from example.seaweedfs import PATIENCE, REGION, client_config
from tests.browser.gallery import Gallery

ROOT = Path(__file__).parents[2]
KEYS = {"PRODUCTION_ACCESS_KEY": "browser-access", "PRODUCTION_SECRET_KEY": "browser-secret"}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class RunningSite:
    """The site in a process of its own: its address, and production's bucket past it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        lines = {}
        for line in process.stdout:
            key, _, value = line.partition(": ")
            lines[key] = value.split()[0] if value else ""
            if key == "The site":
                break
        assert "The site" in lines, f"The site did not start:\n{lines}"
        self.address = lines["The site"]
        session = boto3.Session(*KEYS.values(), region_name=REGION)
        self._client = session.client(
            "s3", endpoint_url=lines["Production"], config=client_config(PATIENCE)
        )

    def objects(self) -> dict[str, tuple[Any, ...]]:
        """All objects of production's bucket: ETag, size and time of each."""
        answer = self._client.list_objects_v2(Bucket=BUCKET)
        assert not answer["IsTruncated"]
        return {e["Key"]: (e["ETag"], e["Size"], e["LastModified"]) for e in answer["Contents"]}


@pytest.fixture(scope="module")
def site() -> Iterator[RunningSite]:
    """A site of the module's own: an empty local disk over a production."""
    environment = os.environ | KEYS | {"EXAMPLE_PRODUCTION": "s3", "DEMO_PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "example.serve"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield RunningSite(process)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "No chromium: apt-get install --no-install-recommends chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


@pytest.fixture
def gallery(page: Page, site: RunningSite) -> Gallery:
    """The gallery, open in a browser."""
    gallery = Gallery(page, site.address)
    gallery.open()
    return gallery
