"""Absence is not outage, nothing waits for ever, and no error holds what must not be seen."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable
from traceback import TracebackException
from typing import Any

import pytest

from fallback_storage.http import HTTPStorage
from fallback_storage.outcomes import Outcome, classify

from .conftest import MakeHTTP
from .site import BODY_OF_ERRORS, HOST, Request, Site

OPERATIONS: dict[str, Callable[[HTTPStorage], Any]] = {
    "open": lambda storage: storage.open("a b.jpg").close(),
    "exists": lambda storage: storage.exists("a b.jpg"),
    "size": lambda storage: storage.size("a b.jpg"),
    "get_modified_time": lambda storage: storage.get_modified_time("a b.jpg"),
}
OUTCOMES = {
    401: Outcome.DENIED,
    403: Outcome.DENIED,
    404: Outcome.MISSING,
    410: Outcome.MISSING,
    **dict.fromkeys([204, 206, 400, 405, 414], Outcome.FAILED),
    **dict.fromkeys([408, 425, 429, 500, 502, 503, 504], Outcome.UNREACHABLE),
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS)


class Clock:
    """Stands still until it is told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@every_operation
@pytest.mark.parametrize("status", OUTCOMES)
def test_a_status_has_its_outcome(
    site: Site, make_http: MakeHTTP, status: int, operation: str
) -> None:
    site.says(status)
    if operation == "exists" and OUTCOMES[status] is Outcome.MISSING:
        assert not make_http().exists("a b.jpg")
        return
    with pytest.raises(OSError, match=f"HTTP {status}") as error:
        OPERATIONS[operation](make_http())
    assert classify(error.value) is OUTCOMES[status]
    assert "'a b.jpg'" in str(error.value)
    assert BODY_OF_ERRORS.decode() not in str(error.value)


@every_operation
def test_a_site_that_is_down_is_unreachable(
    site: Site, make_http: MakeHTTP, operation: str
) -> None:
    storage = make_http()
    site.stop()
    with pytest.raises(ConnectionError, match="ConnectionRefusedError") as error:
        OPERATIONS[operation](storage)
    assert classify(error.value) is Outcome.UNREACHABLE


@every_operation
def test_a_site_that_hangs_up_is_unreachable(
    site: Site, make_http: MakeHTTP, operation: str
) -> None:
    site.answer = Request.hang_up
    with pytest.raises(ConnectionError, match="RemoteDisconnected"):
        OPERATIONS[operation](make_http())


def test_a_site_without_tls_is_not_asked_without(site: Site) -> None:
    storage = HTTPStorage(base_url=site.base_url.replace("http:", "https:"))
    with pytest.raises(ConnectionError, match="SSLError"):
        storage.exists("a")
    assert site.asked == []


def test_an_error_does_not_hide_another_behind_it(site: Site, make_http: MakeHTTP) -> None:
    """What urllib3 says can hold bytes of the site."""
    site.answer = lambda request: request.wfile.write(BODY_OF_ERRORS + b"\r\n")
    with pytest.raises(ConnectionError, match="BadStatusLine") as error:
        make_http().exists("a")
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__
    assert BODY_OF_ERRORS.decode() not in str(error.value)


@every_operation
def test_silence_ends_with_the_read_timeout(
    site: Site, make_http: MakeHTTP, operation: str
) -> None:
    site.answer = lambda request: site.released.wait(60)
    with pytest.raises(TimeoutError, match=r"'a b\.jpg': ReadTimeoutError") as error:
        OPERATIONS[operation](make_http(read_timeout=0.1))
    assert classify(error.value) is Outcome.UNREACHABLE


def test_silence_in_the_body_ends_with_the_read_timeout(site: Site, make_http: MakeHTTP) -> None:
    def answer(request: Request) -> None:
        request.start(Content_Length="10")
        site.released.wait(60)

    site.answer = answer
    with pytest.raises(TimeoutError, match="ReadTimeoutError"):
        make_http(read_timeout=0.1).open("a")


@pytest.mark.skipif(sys.platform != "linux", reason="fills a queue as Linux has it")
def test_a_site_that_takes_no_connection_ends_with_the_connect_timeout(
    make_http: MakeHTTP,
) -> None:
    with socket.socket() as full, socket.socket() as first:
        full.bind((HOST, 0))
        full.listen(0)
        first.connect(full.getsockname())
        base_url = f"http://{HOST}:{full.getsockname()[1]}/"
        with pytest.raises(TimeoutError, match="ConnectTimeoutError"):
            make_http(base_url=base_url, connect_timeout=0.1).exists("a")


def test_a_deadline_ends_headers_that_trickle(site: Site, make_http: MakeHTTP) -> None:
    clock = Clock()

    def answer(request: Request) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n")
        clock.now += 31
        request.wfile.write(b"X-More: to come\r\n")
        site.released.wait(60)

    site.answer = answer
    storage = make_http(clock=clock, deadline=30, read_timeout=60)
    with pytest.raises(TimeoutError, match=r"'a' took longer than its deadline of 30 s"):
        storage.exists("a")


def test_a_deadline_ends_a_body_that_trickles(site: Site, make_http: MakeHTTP) -> None:
    clock = Clock()

    def answer(request: Request) -> None:
        request.start(Content_Length="10")
        request.wfile.write(b"1")
        clock.now += 31
        request.wfile.write(b"2")
        site.released.wait(60)

    site.answer = answer
    storage = make_http(clock=clock, deadline=30, read_timeout=60)
    with pytest.raises(TimeoutError, match="its deadline of 30 s"):
        storage.open("a")


def test_a_deadline_holds_for_all_requests_of_an_operation(
    site: Site, make_http: MakeHTTP
) -> None:
    clock = Clock()

    def answer(request: Request) -> None:
        clock.now += 31
        request.reply(405)

    site.answer = answer
    with pytest.raises(TimeoutError, match="its deadline"):
        make_http(clock=clock, deadline=30).exists("a")
    assert len(site.asked) == 1


def test_a_slow_site_in_time_is_no_error(site: Site, make_http: MakeHTTP) -> None:
    clock = Clock()

    def answer(request: Request) -> None:
        clock.now += 29
        request.reply(200, b"picture")

    site.answer = answer
    with make_http(clock=clock, deadline=30).open("a") as file:
        assert file.read() == b"picture"


SECRETS = {"headers": {"X-Api-Key": "sesame"}, "basic_auth": ("sesame", "open")}


@pytest.mark.parametrize("option", SECRETS)
def test_secrets_reach_the_site(site: Site, make_http: MakeHTTP, option: str) -> None:
    assert not make_http(**{option: SECRETS[option]}).exists("a")
    sent = site.headers[0]
    if option == "headers":
        assert sent["X-Api-Key"] == "sesame"
    else:
        assert sent["Authorization"] == "Basic c2VzYW1lOm9wZW4="


@pytest.mark.parametrize("option", SECRETS)
@pytest.mark.parametrize("status", [302, 401, 404, 503])
def test_secrets_are_not_seen(
    site: Site,
    make_http: MakeHTTP,
    caplog: pytest.LogCaptureFixture,
    option: str,
    status: int,
) -> None:
    caplog.set_level(logging.DEBUG)
    site.says(status, Location="/login?sesame")
    storage = make_http(**{option: SECRETS[option]})
    with pytest.raises(OSError, match=str(status)) as error:
        storage.open("a")
    assert_unseen(storage, error.value, caplog)


@pytest.mark.parametrize("option", SECRETS)
def test_secrets_are_not_seen_where_nobody_answers(
    site: Site, make_http: MakeHTTP, caplog: pytest.LogCaptureFixture, option: str
) -> None:
    caplog.set_level(logging.DEBUG)
    site.answer = Request.hang_up
    storage = make_http(**{option: SECRETS[option]})
    with pytest.raises(ConnectionError) as error:
        storage.open("a")
    assert_unseen(storage, error.value, caplog)


def assert_unseen(
    storage: HTTPStorage, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """In texts, logs, and a report with the variables of every frame."""
    report = "".join(TracebackException.from_exception(error, capture_locals=True).format())
    shown = f"{error} {error!r} {storage!r} {storage.options!r} {caplog.text} {report}"
    assert "sesame" not in shown
    assert "c2VzYW1l" not in shown


def test_the_site_is_told_who_asks(site: Site, make_http: MakeHTTP) -> None:
    make_http().exists("a")
    make_http(headers={"user-agent": "gallery"}).exists("a")
    sent = [{k.lower(): v for k, v in headers.items()} for headers in site.headers]
    assert [headers["user-agent"] for headers in sent] == ["django-fallback-storage", "gallery"]
