"""``views.serve`` behind real servers, over real backends, beside nginx."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
import uvicorn
from django.core.asgi import get_asgi_application
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.wsgi import get_wsgi_application
from storages.backends.s3 import S3Storage

from example.seaweedfs import SeaweedFS
from example.weed import HOST
from fallback_storage.http import HTTPStorage
from tests.django.override import override_storages

from .conftest import PATIENCE, MakeHTTP, MakeS3
from .nginx import Nginx
from .requests import counting
from .site import Request, Site

# Under ASGI Django leaves the file of a request's body open where sending ends in an error.
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.Spooled:ResourceWarning")

LARGE = os.urandom(1024) * 20 * 1024  # 20 MB


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Leave standard error alone."""


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a transfer that was broken on purpose."""


@contextmanager
def wsgi() -> Iterator[int]:
    """Serve with threads; give the port."""
    with _Threads((HOST, 0), _Quiet) as server:
        server.set_app(get_wsgi_application())
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def asgi() -> Iterator[int]:
    """Serve with uvicorn; give the port."""
    config = uvicorn.Config(get_asgi_application(), lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        run = server.serve(sockets=[bound])
        thread = threading.Thread(target=asyncio.run, args=(run,))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield bound.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def configured(*backends: Any, **options: Any) -> Iterator[None]:
    entry = {
        "BACKEND": "fallback_storage.storage.OverlayStorage",
        "OPTIONS": {"backends": list(backends), **options},
    }
    with override_storages(
        {"default": entry}, ROOT_URLCONF="tests.serving.urls", ALLOWED_HOSTS=["*"]
    ):
        yield


@pytest.fixture(params=[wsgi, asgi], ids=["wsgi", "asgi"])
def serving(request: pytest.FixtureRequest) -> Callable[[], Any]:
    serve: Callable[[], Any] = request.param
    return serve


class Answer:
    """What came of one request over a connection of its own."""

    def __init__(self, port: int, path: str, method: str = "GET", **headers: str) -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        try:
            connection.request(method, path, headers=headers)
            given = connection.getresponse()
            self.status, self.headers = given.status, given.headers
            self.body = given.read()
        finally:
            connection.close()


RANGES = [
    *("", "bytes=0-0", "bytes=0-99", "bytes=100-", "bytes=-1", "bytes=-100", "bytes=-9999999"),
    *("bytes=9990-20000", "bytes=10000-", "bytes=10001-", "chars=0-1"),
]


@pytest.mark.parametrize("where", ["disk", "S3", "site"])
def test_a_part_is_byte_by_byte_what_nginx_gives(
    where: str,
    serving: Callable[[], Any],
    tmp_path: Path,
    local: FileSystemStorage,
    s3: S3Storage,
    site: Site,
    make_http: MakeHTTP,
) -> None:
    content = os.urandom(10_000)
    (tmp_path / "root" / "allowed").mkdir(parents=True)
    (tmp_path / "root" / "allowed" / "a.jpg").write_bytes(content)
    lower: S3Storage | HTTPStorage = make_http()
    if where == "disk":
        local.save("a.jpg", ContentFile(content))
    elif where == "S3":
        lower = s3
        s3.save("a.jpg", ContentFile(content))
    else:
        _serve_ranges(site, content)
    with Nginx(tmp_path / "root", tmp_path) as nginx, configured(local, lower), serving() as port:
        for range_ in RANGES:
            for method in ("GET", "HEAD"):
                headers = {"Range": range_} if range_ and method == "GET" else {}
                ours = Answer(port, "/allowed/a.jpg", method, **headers)
                theirs = Answer(nginx.port, "/allowed/a.jpg", method, **headers)
                what = (range_, method)
                assert ours.status == theirs.status, what
                if ours.status != 416:
                    assert ours.body == theirs.body, what
                    assert ours.headers["Content-Length"] == theirs.headers["Content-Length"]
                assert ours.headers["Content-Range"] == theirs.headers["Content-Range"], what
    s3.delete("a.jpg")


def _serve_ranges(site: Site, content: bytes) -> None:
    """Have a site answer ranges, as most do."""

    def answer(request: Request) -> None:
        if request.name != "a.jpg":
            request.reply(404)
            return
        asked = request.headers.get("Range")
        if asked is None:
            request.reply(200, content)
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start = int(first) if first else max(len(content) - int(last), 0)
        stop = min(int(last) + 1, len(content)) if first and last else len(content)
        if start >= stop:
            request.reply(416, Content_Range=f"bytes */{len(content)}")
            return
        place = f"bytes {start}-{stop - 1}/{len(content)}"
        request.reply(206, content[start:stop], Content_Range=place)

    site.answer = answer


def test_a_part_of_a_large_object_is_one_ranged_request(
    serving: Callable[[], Any], local: FileSystemStorage, s3: S3Storage
) -> None:
    s3.save("a.bin", ContentFile(LARGE))
    with configured(local, s3), serving() as port, counting(s3) as requests:
        answer = Answer(port, "/allowed/a.bin", Range="bytes=1000000-1000099")
    assert answer.status == 206
    assert answer.body == LARGE[1_000_000:1_000_100]
    assert dict(requests.by_operation) == {"GetObject": 1}
    s3.delete("a.bin")


def test_fifty_clients_of_a_cold_file_download_it_once(
    serving: Callable[[], Any], local: FileSystemStorage, s3: S3Storage
) -> None:
    s3.save("a.bin", ContentFile(LARGE))
    with configured(local, s3, promote=True), serving() as port:
        Answer(port, "/allowed/none.bin")  # Clients are built.
        with counting(s3) as requests, ThreadPoolExecutor(50) as pool:
            answers = [pool.submit(Answer, port, "/allowed/a.bin") for _ in range(50)]
            for answer in answers:
                assert answer.result().status == 200
                assert answer.result().body == LARGE
    assert local.size("a.bin") == len(LARGE)
    # A large object is downloaded in parts, each once.
    assert requests.by_operation["GetObject"] <= 1 + -(-len(LARGE) // (8 * 1024 * 1024))
    s3.delete("a.bin")


def test_a_production_that_dies_while_it_is_read_is_a_broken_transfer(
    serving: Callable[[], Any], local: FileSystemStorage, site: Site, make_http: MakeHTTP
) -> None:
    def answer(request: Request) -> None:
        request.start(200, Content_Length=str(len(LARGE)), Content_Type="image/jpeg")
        request.wfile.write(LARGE[:1_000_000])
        request.hang_up()

    site.answer = answer
    broken = pytest.raises((http.client.IncompleteRead, ConnectionError))
    with configured(local, make_http()), serving() as port, broken:
        Answer(port, "/allowed/a.jpg")


def test_a_client_that_goes_away_lets_go_of_the_file(
    serving: Callable[[], Any], local: FileSystemStorage, s3: S3Storage
) -> None:
    s3.save("a.bin", ContentFile(LARGE))
    with configured(local, s3), serving() as port:
        for _ in range(40):  # More than may be sent at a time.
            with socket.create_connection((HOST, port), 60) as client:
                client.sendall(b"GET /allowed/a.bin HTTP/1.1\r\nHost: x\r\n\r\n")
                assert client.recv(12).endswith((b" 200", b" 503"))
        ends = time.monotonic() + 60
        while (answer := Answer(port, "/allowed/a.bin")).status == 503:
            assert time.monotonic() < ends
        assert answer.body == LARGE
    s3.delete("a.bin")


def test_a_slow_client_keeps_no_other_waiting(
    serving: Callable[[], Any], local: FileSystemStorage, s3: S3Storage
) -> None:
    s3.save("a.bin", ContentFile(LARGE))
    local.save("b.txt", ContentFile(b"small"))
    with (
        configured(local, s3),
        serving() as port,
        socket.create_connection((HOST, port), 60) as slow,
    ):
        slow.sendall(b"GET /allowed/a.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        slow.recv(100)
        assert Answer(port, "/allowed/b.txt").body == b"small"
    s3.delete("a.bin")


@pytest.mark.parametrize("decompresses", [True, False])
def test_a_compressed_object_is_served_as_its_storage_reads_it(
    decompresses: bool, local: FileSystemStorage, make_s3: MakeS3, bucket: str
) -> None:
    zipping = make_s3(bucket, gzip=True)
    content = b"body { color: red }" * 1000
    zipping.save("a.css", ContentFile(content))
    with configured(local, make_s3(bucket, gzip=decompresses)), wsgi() as port:
        answer = Answer(port, "/allowed/a.css")
        if decompresses:
            assert answer.body == content
            assert answer.headers["Content-Encoding"] is None
            part = Answer(port, "/allowed/a.css", Range="bytes=10-19")
            assert (part.status, part.body) == (206, content[10:20])
        else:
            assert gzip.decompress(answer.body) == content
            assert answer.headers["Content-Encoding"] == "gzip"
    zipping.delete("a.css")


def test_the_rest_of_another_object_is_the_whole_one(
    serving: Callable[[], Any], local: FileSystemStorage, s3: S3Storage
) -> None:
    s3.save("a.txt", ContentFile(b"content"))
    with configured(local, s3), serving() as port:
        for part in ("bytes=3-", "bytes=0-2", "bytes=-2", "bytes=0-"):
            headers = {"Range": part, "If-Range": '"another"'}
            answer = Answer(port, "/allowed/a.txt", **headers)
            assert (answer.status, answer.body) == (200, b"content")
    s3.delete("a.txt")


def test_a_subclass_of_s3_is_read_in_its_own_way(
    local: FileSystemStorage, seaweedfs: SeaweedFS, bucket: str
) -> None:
    class Upper(S3Storage):  # type: ignore[misc]
        def _open(self, name: str, mode: str = "rb") -> Any:
            return ContentFile(super()._open(name, mode).read().upper())

    own = Upper(**seaweedfs.storage_options(bucket, timeout=PATIENCE))
    own.save("a.txt", ContentFile(b"content"))
    with configured(local, own), wsgi() as port:
        assert Answer(port, "/allowed/a.txt").body == b"CONTENT"
    own.delete("a.txt")


def test_a_site_that_does_not_say_how_long_a_file_is_is_downloaded_first(
    local: FileSystemStorage, site: Site, make_http: MakeHTTP
) -> None:
    def answer(request: Request) -> None:
        request.reply(200, b"content", Content_Length=None)
        request.hang_up()

    site.answer = answer
    with configured(local, make_http()), wsgi() as port:
        found = Answer(port, "/allowed/a.jpg", Range="bytes=1-2")
        assert (found.status, found.body) == (206, b"on")
