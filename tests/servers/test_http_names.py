"""Any name reaches the site as it is, and a bad one is never asked for."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest
from django.core.exceptions import SuspiciousFileOperation
from hypothesis import given
from hypothesis import strategies as st

from fallback_storage import names
from fallback_storage.http import HTTPStorage

from .site import Request, Site

ODD = [
    "#",
    "?",
    "%",
    "%2e%2e",
    "%2f",
    ";a=b",
    " ",
    "..a",
    "http:",
    "@evil.example",
    "\n",
    "+",
    "~",
]
characters = st.characters(exclude_categories=["Cs"], exclude_characters="/\\\0")
segments = st.one_of(st.sampled_from(ODD), st.text(characters, min_size=1, max_size=20)).filter(
    lambda segment: segment not in {".", ".."}
)
good_names = st.lists(segments, min_size=1, max_size=4).map("/".join)
bad_segments = st.sampled_from(["..", "\0", "a\0b", "\ud800", "..\\x", "\\..", "/.."])


@st.composite
def bad_names(draw: st.DrawFn) -> str:
    parts = draw(st.lists(segments, max_size=3))
    parts.insert(draw(st.integers(0, len(parts))), draw(bad_segments))
    return "/".join(parts)


@pytest.fixture(scope="module")
def echo() -> Iterator[Site]:
    """A site whose every file holds the path that it was asked for."""
    with Site() as site:
        site.answer = lambda request: request.reply(200, request.path.encode())
        yield site


@pytest.fixture(scope="module")
def storage(echo: Site) -> HTTPStorage:
    return HTTPStorage(base_url=echo.base_url, allow_http=True, probe=False)


@given(name=good_names)
def test_a_name_reaches_the_site_as_it_is(storage: HTTPStorage, name: str) -> None:
    with storage.open(name) as file:
        path = file.read().decode()
    assert unquote(path, errors="strict") == f"/media/{name}"
    assert path.isascii()
    assert len(path.split("/")) == len(f"/media/{name}".split("/"))


@given(name=good_names)
def test_the_url_is_what_is_asked_for(storage: HTTPStorage, name: str) -> None:
    base, parts = urlsplit(storage.options.base_url), urlsplit(storage.url(name))
    assert (parts.scheme, parts.netloc) == (base.scheme, base.netloc)
    assert (parts.query, parts.fragment) == ("", "")
    with storage.open(name) as file:
        assert file.read().decode() == parts.path


@given(name=bad_names())
def test_a_bad_name_is_never_asked_for(echo: Site, storage: HTTPStorage, name: str) -> None:
    asked = len(echo.asked)
    calls = (storage.open, storage.exists, storage.size, storage.get_modified_time, storage.url)
    for call in calls:
        with pytest.raises(SuspiciousFileOperation):
            call(name)
    assert len(echo.asked) == asked


@pytest.mark.parametrize("name", ["", ".", "/", "/a", "//evil.example/a", "a/", None, b"a"])
def test_what_names_no_file_is_never_asked_for(
    echo: Site, storage: HTTPStorage, name: str
) -> None:
    asked = len(echo.asked)
    for call in (storage.open, storage.size, storage.get_modified_time):
        with pytest.raises(SuspiciousFileOperation):
            call(name)
    assert len(echo.asked) == asked


@pytest.mark.parametrize("name", ["http://evil.example/a", "a//b", "./a", "a\\b"])
def test_a_name_never_carries_a_host(echo: Site, storage: HTTPStorage, name: str) -> None:
    storage.exists(name)
    assert unquote(echo.asked[-1][1]) == f"/media/{names.file_name(name)}"


def test_a_base_with_odd_characters_is_kept(echo: Site) -> None:
    base_url = echo.base_url + "gro%C3%9F"
    storage = HTTPStorage(base_url=base_url, allow_http=True, probe=False)
    with storage.open("a") as file:
        assert file.read() == b"/media/gro%C3%9F/a"


def test_a_site_on_its_root_has_files() -> None:
    def answer(request: Request) -> None:
        request.reply(200, request.path.encode())

    with Site() as site:
        site.answer = answer
        base_url = site.base_url.removesuffix("/media/")
        storage = HTTPStorage(base_url=base_url, allow_http=True, probe=False)
        assert storage.url("a") == f"{base_url}/a"
        with storage.open("a") as file:
            assert file.read() == b"/a"
