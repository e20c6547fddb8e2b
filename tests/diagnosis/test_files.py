"""What the doctor finds of one file and its URL, and of MEDIA_URL."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from example.weed import HOST
from fallback_storage.diagnosis import page
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage
from tests.servers.site import Site

from .conftest import Found

# At the end of a request Django looks at the connections to a database that there are.
pytestmark = pytest.mark.django_db

NAME = "photos/a.jpg"
CONTENT = b"picture" * 1000
Prepare = Callable[["World"], object]


class World:
    """What the states of the table change."""

    def __init__(self, uploads: FaultyStorage, production: RemoteFaultyStorage) -> None:
        self.uploads, self.production = uploads, production

    def put(self, name: str, content: bytes = CONTENT) -> None:
        self.production.wrapped.save(name, ContentFile(content))

    def hidden(self) -> None:
        self.put(NAME)
        storages["default"].delete(NAME)

    def unreadable(self) -> None:
        self.put(NAME)
        self.production.stage("open", error=PermissionError("s3cr3t"))

    def at(self, base_url: str) -> None:
        self.put(NAME)
        vars(self.production.wrapped)["base_url"] = base_url

    def without_url(self) -> None:
        self.put(NAME)
        self.production.stage("url", error=ValueError("s3cr3t"))


@pytest.fixture
def world(uploads: FaultyStorage, production: RemoteFaultyStorage) -> World:
    return World(uploads, production)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.mark.parametrize(
    ("prepare", "code", "level", "words"),
    [
        (lambda world: None, "nowhere", "problem", "Is the name as the database has it"),
        (lambda world: world.put(f"media/{NAME}"), "nowhere", "problem", f"has 'media/{NAME}'"),
        (lambda world: world.put(f"uploads/{NAME}"), "nowhere", "problem", "has 'uploads/"),
        (World.hidden, "hidden", "problem", f"--restore '{NAME}'"),
        (lambda world: world.production.refusing(), "not-known", "problem", "that backend"),
        (World.unreadable, "unreadable", "problem", "GetObject"),
        (lambda world: world.put(NAME, b""), "empty", "problem", "Upload it again"),
        (lambda world: world.put(NAME), "comes-through", "well", "served by production"),
        (lambda world: world.put(NAME), "url-answers", "well", "/media/photos/a.jpg answers with"),
        (World.without_url, "no-url", "problem", "base_url"),
        (lambda world: world.at("/private/"), "url-other-content", "problem", "login"),
        (lambda world: world.at("/circle/"), "url-fails", "problem", "in a circle"),
        (lambda world: world.at("/forbidden/"), "url-fails", "problem", "querystring_auth"),
        (lambda world: world.at("/gone/"), "url-fails", "problem", "Serve MEDIA_URL"),
    ],
)
def test_what_a_file_comes_to(
    prepare: Prepare, code: str, level: str, words: str, world: World, found: Found
) -> None:
    prepare(world)
    finding = found(name=NAME)[code]
    assert (finding.subject, finding.level) == (NAME, level)
    assert words in f"{finding.says} {finding.advice}"
    assert "s3cr3t" not in str(finding)


def test_a_name_that_begins_with_media_is_looked_for_without(world: World, found: Found) -> None:
    world.put(NAME)
    assert f"has '{NAME}'" in found(name=f"media/{NAME}")["nowhere"].advice


def test_media_url_may_have_no_path(world: World, found: Found, settings: Any) -> None:
    settings.MEDIA_URL = ""
    world.put(f"uploads/{NAME}")
    assert "has 'uploads/" in found(name=NAME)["nowhere"].advice


def test_what_is_no_name_is_refused_before_anybody_is_asked(world: World, found: Found) -> None:
    with pytest.raises(SuspiciousOperation):
        found(name="../a.jpg")
    assert world.production.calls == world.uploads.calls == []


def test_a_file_that_is_looked_at_is_not_promoted(
    world: World, found: Found, tmp_path: Path
) -> None:
    world.put(NAME)
    found(name=NAME)
    assert world.uploads.mutations == []
    assert not (tmp_path / "uploads").exists()


def test_the_host_is_one_that_the_site_answers_to(
    world: World, found: Found, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["*", ".example.com"]
    world.put(NAME)
    assert found(name=NAME)["url-answers"].level == "well"


def test_a_site_that_insists_on_tls_answers(world: World, found: Found, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
    world.put(NAME)
    assert found(name=NAME)["url-answers"].level == "well"


def test_only_the_beginning_of_a_large_file_is_compared(
    world: World, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST", 100)
    world.put(NAME)
    assert found(name=NAME)["url-answers"].says.endswith("answers with the first 100 bytes")


@pytest.mark.parametrize("how", ["absolute", "base_url", "protocol-relative"])
def test_another_site_is_asked(how: str, world: World, found: Found, site: Site) -> None:
    site.files["photos/a.jpg"] = CONTENT
    world.at({"absolute": site.base_url, "base_url": "/media/"}.get(how, f"//{HOST}:1/"))
    base = f"http://{HOST}:{site.port}/" if how == "base_url" else None
    finding = found(name=NAME, base_url=base)
    if how == "protocol-relative":  # It is asked over TLS, where nobody is.
        assert finding["url-unreachable"].level == "problem"
    else:
        assert finding["url-answers"].level == "well"
        assert [name for _, name in site.asked] == ["/media/photos/a.jpg"]


@pytest.mark.parametrize(
    ("status", "words"), [(401, "log in"), (403, "refuses visitors"), (404, "custom_domain")]
)
def test_another_site_that_refuses(
    status: int, words: str, world: World, found: Found, site: Site
) -> None:
    site.says(status)
    world.at(site.base_url)
    finding = found(name=NAME)["url-fails"]
    assert f"answers {status}" in finding.says
    assert words in finding.advice


def test_a_clock_that_differs_from_the_one_of_the_site(
    world: World, found: Found, site: Site
) -> None:
    site.files["photos/a.jpg"] = CONTENT
    world.at(site.base_url)
    finding = found(name=NAME, now=lambda: datetime(2020, 1, 1, tzinfo=UTC))["clock-skew"]
    assert finding.subject == HOST


def test_a_url_that_nobody_answers(world: World, found: Found) -> None:
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        world.at(f"http://user:s3cr3t@{HOST}:{bound.getsockname()[1]}/")
        finding = found(name=NAME)["url-unreachable"]
    assert finding.level == "problem"
    assert "s3cr3t" not in str(finding)


def test_without_urllib3_another_site_is_not_asked(
    world: World, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.at("https://media.example/")
    monkeypatch.setitem(sys.modules, "urllib3", None)
    finding = found(name=NAME)["url-not-asked"]
    assert finding.level == "note"
    assert "[http]" in finding.advice


def test_a_signature_is_not_shown() -> None:
    url = "https://user:pass@s3.example/b/a.jpg?X-Amz-Signature=s3cr3t#part"
    assert page.shown(url) == "https://s3.example/b/a.jpg?…"


@pytest.mark.parametrize(
    ("media_url", "debug", "code", "level"),
    [
        ("/media/", False, "media-url-served", "well"),
        ("/private/", False, "media-url-served", "well"),
        ("/disk/", False, "media-url-past-storage", "note"),
        ("/other/", False, "media-url-not-served", "note"),
        ("/other/", True, "media-url-not-served", "problem"),
        ("https://media.example/", True, "media-url-elsewhere", "well"),
        ("/", True, "media-url-elsewhere", "well"),
    ],
)
def test_who_serves_media_url(
    media_url: str, debug: bool, code: str, level: str, found: Found, settings: Any
) -> None:
    settings.MEDIA_URL, settings.DEBUG = media_url, debug
    finding = found()[code]
    assert (finding.subject, finding.level) == ("MEDIA_URL", level)
    assert bool(finding.advice) is (level != "well")


def test_a_urlconf_that_cannot_be_imported(found: Found, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.diagnosis.no_such_urls"
    assert "ModuleNotFoundError" in found()["broken-urlconf"].says
