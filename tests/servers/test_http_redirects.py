"""No redirect is followed unless that is asked for, and none leads away from the site."""

from __future__ import annotations

import pytest

from fallback_storage.http import UnexpectedAnswer
from fallback_storage.outcomes import Outcome, classify

from .conftest import MakeHTTP
from .site import HOST, Request, Site
from .test_http_trust import OPERATIONS, every_operation


def redirecting(site: Site, location: str | None, status: int = 302) -> None:
    """Redirect to `location`, where `{}` is host and port; but /there/ is answered."""

    def answer(request: Request) -> None:
        if request.path.startswith("/there/"):
            request.reply(200, b"there")
        else:
            place = location and location.format(f"{HOST}:{site.port}")
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
    assert classify(error.value) is Outcome.FAILED
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/there/a", "/there/a"),
        ("http://{}/there/a?v=1#top", "/there/a?v=1"),
        ("//{}/there/a", "/there/a"),
        ("../../there/a b", "/there/a%20b"),
        ("/there/gro\xc3\x9f", "/there/gro%C3%9F"),
    ],
)
def test_a_redirect_on_the_same_host_is_followed_on_request(
    site: Site, make_http: MakeHTTP, location: str, path: str
) -> None:
    redirecting(site, location)
    storage = make_http(redirects="same-host")
    with storage.open("photos/a") as file:
        assert file.read() == b"there"
    assert storage.size("photos/a") == 5
    assert [asked[1] for asked in site.asked[1::2]] == [path] * 2


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "//evil.example/there/a",
        "http://{}0/there/a",
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
    redirecting(site, "http://{}//evil.example/a")
    with pytest.raises(UnexpectedAnswer, match="more than 5 times"):
        make_http(redirects="same-host").exists("a")
    assert {path.lstrip("/") for _, path in site.asked[1:]} == {"evil.example/a"}


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
