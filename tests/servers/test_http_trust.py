"""A page that is shown for every address is not taken for a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import pytest

from fallback_storage.http import HTTPStorage, UnexpectedAnswer
from fallback_storage.outcomes import Outcome, classify

from .conftest import MakeHTTP
from .site import Site

OPERATIONS: dict[str, Callable[[HTTPStorage], Any]] = {
    "open": lambda storage: storage.open("photos/a.jpg").close(),
    "exists": lambda storage: storage.exists("photos/a.jpg"),
    "size": lambda storage: storage.size("photos/a.jpg"),
    "get_modified_time": lambda storage: storage.get_modified_time("photos/a.jpg"),
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS)


def probes(site: Site) -> list[str]:
    """The names asked for that nobody named."""
    names = [path.removeprefix("/media/") for _, path in site.asked]
    return [name for name in names if len(PurePosixPath(name).stem) == 32]


@every_operation
def test_a_site_that_answers_to_everything_is_noticed(
    site: Site, make_http: MakeHTTP, operation: str
) -> None:
    site.says(200)
    with pytest.raises(UnexpectedAnswer, match=r"probe=False") as error:
        OPERATIONS[operation](make_http(probe=True))
    assert "expect" in str(error.value)
    assert classify(error.value) is Outcome.FAILED


def test_such_a_site_is_believed_only_on_request(site: Site, make_http: MakeHTTP) -> None:
    site.says(200)
    assert make_http(probe=False).exists("a")
    assert len(site.asked) == 1


def test_a_site_is_asked_for_a_random_name_once(site: Site, make_http: MakeHTTP) -> None:
    site.files |= {"photos/a.jpg": b"a", "b.jpg": b"b"}
    storage = make_http(probe=True)
    assert storage.exists("photos/a.jpg")
    assert storage.exists("b.jpg")
    with storage.open("b.jpg") as file:
        assert file.read() == b"b"
    assert len(probes(site)) == 1
    assert len(site.asked) == 4


def test_the_random_name_is_like_the_one_that_was_found(site: Site, make_http: MakeHTTP) -> None:
    site.files["photos/a.jpg"] = b"a"
    make_http(probe=True).exists("photos/a.jpg")
    probe = PurePosixPath(probes(site)[0])
    assert (str(probe.parent), probe.suffix) == ("photos", ".jpg")


def test_a_miss_needs_no_random_name(site: Site, make_http: MakeHTTP) -> None:
    storage = make_http(probe=True)
    assert not storage.exists("a")
    with pytest.raises(FileNotFoundError):
        storage.open("b")
    assert len(site.asked) == 2


def test_a_site_that_stops_answering_to_everything_is_believed(
    site: Site, make_http: MakeHTTP
) -> None:
    storage = make_http(probe=True)
    site.says(200)
    for _ in range(2):
        with pytest.raises(UnexpectedAnswer):
            storage.exists("a")
    site.answer = site.serve
    site.files["a"] = b"a"
    assert storage.exists("a")


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_site_that_refuses_random_names_is_believed(
    site: Site, make_http: MakeHTTP, status: int
) -> None:
    site.files["a"] = b"a"
    site.answer = lambda request: (
        site.serve(request) if request.name in site.files else request.reply(status)
    )
    assert make_http(probe=True).exists("a")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_outage_of_the_random_name_is_an_outage(
    site: Site, make_http: MakeHTTP, status: int
) -> None:
    site.files["a"] = b"a"
    site.answer = lambda request: (
        site.serve(request) if request.name in site.files else request.reply(status)
    )
    storage = make_http(probe=True)
    with pytest.raises(OSError, match=f"HTTP {status}"):
        storage.exists("a")
    site.answer = site.serve
    assert storage.exists("a")
    assert len(probes(site)) == 2


@every_operation
@pytest.mark.parametrize("kind", ["text/html", "TEXT/HTML; charset=utf-8", "", None, "html"])
def test_another_content_type_is_no_answer(
    site: Site, make_http: MakeHTTP, kind: str | None, operation: str
) -> None:
    site.says(200, Content_Type=kind)
    storage = make_http(expect=["image/*", "video/mp4"])
    with pytest.raises(UnexpectedAnswer, match=r"not with image/\* or video/mp4") as error:
        OPERATIONS[operation](storage)
    assert classify(error.value) is Outcome.FAILED


@pytest.mark.parametrize(
    ("kind", "expect"),
    [
        ("image/jpeg", "image/*"),
        ("Image/JPEG; q=1", ["IMAGE/*"]),
        ("video/mp4", ("image/*", "video/mp4")),
        (None, ["application/octet-stream"]),
        ("text/html", []),
    ],
)
def test_an_expected_content_type_is_an_answer(
    site: Site, make_http: MakeHTTP, kind: str | None, expect: Any
) -> None:
    site.says(200, Content_Type=kind)
    assert make_http(expect=expect).exists("a")


def test_a_page_for_every_other_name_does_no_harm_where_files_have_their_type(
    site: Site, make_http: MakeHTTP
) -> None:
    site.files["a"] = b"a"
    site.answer = lambda request: (
        site.serve(request)
        if request.name in site.files
        else request.reply(200, b"<html>", Content_Type="text/html")
    )
    storage = make_http(probe=True, expect=["image/*"])
    assert storage.exists("a")
    with pytest.raises(UnexpectedAnswer):
        storage.exists("b")
