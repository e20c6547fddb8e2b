"""A web site on this machine that serves files, or misbehaves as it is told."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

HOST = "127.0.0.1"
#: In the body of every error, so that a test can look for it where it must not be.
BODY_OF_ERRORS = b"the words of the site"
LAST_MODIFIED = "Sat, 21 Nov 2026 08:30:00 GMT"


class Request(BaseHTTPRequestHandler):
    """One request, and the ways to answer it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    server: _Server
    #: How many requests its connection has brought.
    number = 0

    def do_GET(self) -> None:
        self.number += 1
        site = self.server.site
        site.asked.append((self.command, self.path))
        site.headers.append(dict(self.headers))
        site.answer(self)

    def do_HEAD(self) -> None:
        self.do_GET()

    @property
    def name(self) -> str:
        return unquote(self.path.removeprefix("/media/"))

    def reply(self, status: int = 200, body: bytes = b"", **headers: str | None) -> None:
        """Answer at once; a header of ``None`` is left out, ``_`` is a hyphen in its name."""
        headers = {
            "Content_Type": "text/html" if status >= 300 else "image/jpeg",
            "Content_Length": str(len(body)),
            **headers,
        }
        with self.at_once():
            self.start(status, **headers)
            if self.command != "HEAD":
                self.wfile.write(body)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Send all that is written in the block together, so that all of it arrives together."""
        wire, self.wfile = self.wfile, BytesIO()
        try:
            yield
            sent = self.wfile.getvalue()
        finally:
            self.wfile = wire
        wire.write(sent)

    def start(self, status: int = 200, **headers: str | None) -> None:
        """Send what comes before the body."""
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def hang_up(self) -> None:
        self.close_connection = True

    def reset(self) -> None:
        """Hang up as a router does that has forgotten the connection."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.connection.detach())
        self.hang_up()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: Site

    def process_request(self, request: Any, client_address: Any) -> None:
        self.site.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


class Site:
    """`files` under /media/; `asked` has the method and the path of each request.

    `answer` can be replaced by a function that does otherwise; one that is to hang waits for
    `released`, which happens at the end at the latest. With `tls` it is an https site.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.released = threading.Event()
        self.answer: Callable[[Request], object] = self.serve
        self._server = _Server((HOST, 0), Request)
        self._server.site = self
        self._scheme = "https" if tls else "http"
        if tls:
            # Without a handshake: a client is waited for in its own thread, not where all connect.
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def base_url(self) -> str:
        return f"{self._scheme}://{HOST}:{self.port}/media/"

    def serve(self, request: Request) -> None:
        content = self.files.get(request.name)
        if content is None:
            request.reply(404, BODY_OF_ERRORS)
        else:
            request.reply(200, content, Last_Modified=LAST_MODIFIED)

    def says(self, status: int, **headers: str | None) -> None:
        """Answer everything with one status."""
        self.answer = lambda request: request.reply(status, BODY_OF_ERRORS, **headers)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the port; may be called twice."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
