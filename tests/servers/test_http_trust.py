"""A page that is shown for every address is not taken for a file, and no redirect leads away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import pytest

from fallback_storage.engine.outcomes import Outcome, classify
from fallback_storage.http import HTTPStorage, UnexpectedAnswer

from .conftest import MakeHTTP
from .site import HOST, Request, Site

OPERATIONS: dict[str, Callable[[HTTPStorage], Any]] = {
    "open": lambda storage: storage.open("photos/a.jpg"),
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
    assert classify(error.value) is Outcome.UNREACHABLE


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
    assert classify(error.value) is Outcome.UNREACHABLE


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


def redirecting(site: Site, location: str | None, status: int = 302) -> None:
    """Answer with a redirect to `location`, where `{}` is the site, unless the path is /there/."""

    def answer(request: Request) -> None:
        if request.path.startswith("/there/"):
            request.reply(200, b"there")
        else:
            place = location and location.format(f"http://{HOST}:{site.port}")
            request.reply(status, b"moved", Location=place)

    site.answer = answer


@every_operation
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    site: Site, make_http: MakeHTTP, status: int, operation: str
) -> None:
    redirecting(site, "/there/a", status)
    with pytest.raises(UnexpectedAnswer, match=f"HTTP {status} .*redirects=False") as error:
        OPERATIONS[operation](make_http())
    assert classify(error.value) is Outcome.UNREACHABLE
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/there/a", "/there/a"),
        ("{}/there/a?v=1#top", "/there/a?v=1"),
        ("../../there/a b", "/there/a%20b"),
        ("//127.0.0.1:{0[0]}/there/a", None),
        ("/there/gro\xc3\x9f", "/there/gro%C3%9F"),
    ],
)
def test_a_redirect_on_the_same_host_is_followed_on_request(
    site: Site, make_http: MakeHTTP, location: str, path: str | None
) -> None:
    redirecting(site, f"//{HOST}:{site.port}/there/a" if path is None else location)
    storage = make_http(redirects="same-host")
    with storage.open("photos/a") as file:
        assert file.read() == b"there"
    assert storage.size("photos/a") == 5
    assert [asked[1] for asked in site.asked[1::2]] == [path or "/there/a"] * 2


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "//evil.example/there/a",
        "{}0/there/a",
        f"http://{HOST}/there/a",
        f"https://{HOST}/there/a",
        f"http://user:password@{HOST}/there/a",
        "file:///etc/passwd",
        "http://[::1/there/a",
        f"http://{HOST}:99999999/there/a",
        "",
        None,
    ],
)
def test_a_redirect_that_leads_away_is_refused(
    site: Site, make_http: MakeHTTP, location: str | None
) -> None:
    redirecting(site, location)
    with pytest.raises(UnexpectedAnswer, match="redirects='same-host' refuses"):
        make_http(redirects="same-host").exists("a")
    assert len(site.asked) == 1


def test_a_redirect_to_a_path_like_a_host_stays(site: Site, make_http: MakeHTTP) -> None:
    redirecting(site, "{}//evil.example/a")
    with pytest.raises(UnexpectedAnswer, match="more than 5 times"):
        make_http(redirects="same-host").exists("a")
    assert {path for _, path in site.asked[1:]} <= {"//evil.example/a", "/evil.example/a"}


def test_a_circle_of_redirects_ends(site: Site, make_http: MakeHTTP) -> None:
    redirecting(site, "/media/a")
    with pytest.raises(UnexpectedAnswer, match="more than 5 times"):
        make_http(redirects="same-host").exists("a")
    assert len(site.asked) == 6
    assert site.connections == 1


def test_a_redirect_to_what_is_missing_is_missing(site: Site, make_http: MakeHTTP) -> None:
    site.answer = lambda request: (
        request.reply(302, Location="/media/b") if request.name == "a" else request.reply(404)
    )
    assert not make_http(redirects="same-host").exists("a")


def test_a_login_page_that_everything_is_redirected_to_is_noticed(
    site: Site, make_http: MakeHTTP
) -> None:
    redirecting(site, "/there/login")
    with pytest.raises(UnexpectedAnswer, match="answers for a random name"):
        make_http(redirects="same-host", probe=True).exists("a")
