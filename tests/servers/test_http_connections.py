"""Connections are kept, and one that was closed meanwhile is no outage of the site."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import pytest

from fallback_storage.http import HTTPStorage
from fallback_storage.http.transport import DRAINED

from .conftest import MakeHTTP
from .site import Request, Site
from .test_http_faults import OPERATIONS, Clock, every_operation

NAME = "a b.jpg"
THREADS = 8

every_way_to_close = pytest.mark.parametrize(
    "close", [Request.hang_up, Request.reset], ids=["hang up", "reset"]
)


def closing(site: Site, close: Callable[[Request], object]) -> None:
    """Answer the first request of each connection; close it at the second, without a byte."""
    site.files[NAME] = b"picture"
    site.answer = lambda request: site.serve(request) if request.number == 1 else close(request)


@every_operation
@every_way_to_close
def test_a_kept_connection_that_was_closed_is_replaced(
    site: Site, make_http: MakeHTTP, operation: str, close: Callable[[Request], object]
) -> None:
    closing(site, close)
    storage = make_http()
    for _ in range(3):
        OPERATIONS[operation](storage)
    assert len(site.asked) == 5
    assert site.connections == 3


def read(storage: HTTPStorage) -> bytes:
    with storage.open(NAME) as file:
        return bytes(file.read())


def read_at_once(site: Site, storage: HTTPStorage) -> list[bytes]:
    """Read in as many threads as connections are to be kept."""
    arrived, serve = threading.Barrier(THREADS), site.answer

    def answer(request: Request) -> None:
        if request.number == 1:
            arrived.wait(10)
        serve(request)

    site.answer = answer
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda _: read(storage), range(THREADS)))


def test_when_all_kept_connections_were_closed_every_thread_still_reads(
    site: Site, make_http: MakeHTTP
) -> None:
    storage = make_http()
    for repetition in (1, 2, 3):
        closing(site, Request.hang_up)
        assert read_at_once(site, storage) == [b"picture"] * THREADS
        assert site.connections == repetition * THREADS


def test_a_repeated_request_has_a_new_connection_though_another_was_kept_meanwhile(
    site: Site, make_http: MakeHTTP
) -> None:
    closing(site, Request.hang_up)
    looks: list[None] = [None] * 4  # More than four: nothing is to happen in the first read.

    def clock() -> float:
        # When the operation begins, before it connects, before it reads, before the repetition.
        looks.append(None)
        if len(looks) == 4:
            assert read(storage) == b"picture"
        return 0.0

    storage = make_http(clock=clock)
    assert read(storage) == b"picture"
    looks.clear()
    assert read(storage) == b"picture"
    assert len(site.asked) == 4
    assert site.connections == 3


@every_way_to_close
def test_a_new_connection_that_is_closed_is_an_outage(
    site: Site, make_http: MakeHTTP, close: Callable[[Request], object]
) -> None:
    site.answer = close
    with pytest.raises(ConnectionError, match=r"RemoteDisconnected|ConnectionResetError"):
        make_http().exists("a")
    assert len(site.asked) == 1


@every_way_to_close
def test_a_request_is_repeated_once(
    site: Site, make_http: MakeHTTP, close: Callable[[Request], object]
) -> None:
    site.files["a"] = b"a"
    storage = make_http()
    assert storage.exists("a")
    site.answer = close
    with pytest.raises(ConnectionError, match=r"RemoteDisconnected|ConnectionResetError"):
        storage.exists("a")
    assert len(site.asked) == 3


@pytest.mark.parametrize("sent", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"])
def test_a_request_of_which_a_byte_was_answered_is_not_repeated(
    site: Site, make_http: MakeHTTP, sent: bytes
) -> None:
    def begin_and_close(request: Request) -> None:
        request.wfile.write(sent)
        request.hang_up()

    closing(site, begin_and_close)
    storage = make_http()
    assert storage.exists(NAME)
    with pytest.raises(OSError, match=f"'{NAME}'"):
        storage.open(NAME)
    assert len(site.asked) == 2


def test_a_request_that_is_not_answered_in_time_is_not_repeated(
    site: Site, make_http: MakeHTTP
) -> None:
    closing(site, lambda request: site.released.wait(60))
    storage = make_http(read_timeout=0.1)
    assert storage.exists(NAME)
    with pytest.raises(TimeoutError, match="ReadTimeoutError"):
        storage.exists(NAME)
    assert len(site.asked) == 2


def test_a_request_is_repeated_within_its_deadline_only(site: Site, make_http: MakeHTTP) -> None:
    clock = Clock()

    def close(request: Request) -> None:
        clock.now += 31
        request.hang_up()

    closing(site, close)
    storage = make_http(clock=clock, deadline=30)
    assert storage.exists(NAME)
    with pytest.raises(TimeoutError, match="its deadline of 30 s"):
        storage.exists(NAME)
    assert len(site.asked) == 2


@every_operation
@every_way_to_close
def test_a_kept_tls_connection_that_was_closed_is_replaced(
    tls_site: Site, make_http: MakeHTTP, operation: str, close: Callable[[Request], object]
) -> None:
    closing(tls_site, close)
    storage = make_http(base_url=tls_site.base_url, allow_http=False)
    for _ in range(3):
        OPERATIONS[operation](storage)
    assert len(tls_site.asked) == 5
    assert tls_site.connections == 3


#: How a body begins that nobody needs, and may never end.
UNNEEDED: dict[str, tuple[int, dict[str, str]]] = {
    **{
        str(status): (status, {"Content_Length": "10"})
        for status in (302, 401, 403, 404, 410, 500)
    },
    "another type": (200, {"Content_Type": "text/html", "Content_Length": "10"}),
    "compressed": (200, {"Content_Encoding": "gzip", "Content_Length": "10"}),
    "too large": (200, {"Content_Length": "1000"}),
    "404 in chunks": (404, {"Transfer_Encoding": "chunked"}),
}


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("case", UNNEEDED)
def test_a_known_answer_does_not_wait_for_its_body(
    site: Site, tls_site: Site, make_http: MakeHTTP, case: str, secure: bool
) -> None:
    asked = tls_site if secure else site
    status, headers = UNNEEDED[case]
    closed: Queue[bool] = Queue()

    def stall(request: Request) -> None:
        request.start(status, **{"Content_Type": "image/jpeg", **headers})
        request.connection.settimeout(10)
        try:
            closed.put(request.connection.recv(1) == b"")
        except TimeoutError:
            closed.put(False)
        request.hang_up()

    asked.answer = stall
    storage = make_http(
        base_url=asked.base_url, expect="image/*", max_size=100, read_timeout=60, deadline=60
    )
    with pytest.raises(OSError, match=r"'a b\.jpg'"):
        storage.open(NAME)
    assert closed.get(timeout=20)


def in_chunks(request: Request, body: bytes) -> None:
    with request.at_once():
        request.start(404, Transfer_Encoding="chunked")
        request.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))


def with_length(request: Request, body: bytes) -> None:
    request.reply(404, body)


every_way_to_send = pytest.mark.parametrize("send", [in_chunks, with_length])


@every_way_to_send
def test_a_connection_is_kept_if_the_body_nobody_needs_is_there(
    site: Site, make_http: MakeHTTP, send: Callable[[Request, bytes], None]
) -> None:
    site.answer = lambda request: send(request, b"no such file")
    storage = make_http()
    for number in range(3):
        with pytest.raises(FileNotFoundError):
            storage.open(f"{number}.jpg")
    assert site.connections == 1


@every_way_to_send
def test_a_connection_is_closed_if_the_body_nobody_needs_is_long(
    site: Site, make_http: MakeHTTP, send: Callable[[Request, bytes], None]
) -> None:
    site.answer = lambda request: send(request, bytes(DRAINED + 1))
    storage = make_http()
    for number in range(3):
        with pytest.raises(FileNotFoundError):
            storage.open(f"{number}.jpg")
    assert site.connections == 3
