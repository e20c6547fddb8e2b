"""A small HTTP server that answers as OpenStack Swift does, with its first way to log in."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from example.weed import HOST

USER, KEY, TOKEN = "account:user", "swordfish", "AUTH_tk"
ACCOUNT = "/v1/AUTH_account"


class Swift:
    """One server with containers in memory; a context manager."""

    def __init__(self, *containers: str) -> None:
        self.containers: dict[str, dict[str, tuple[bytes, float]]] = {c: {} for c in containers}
        #: The status that is given instead of every answer, if any.
        self.refusal: int | None = None
        self._server = _Server((HOST, 0), _Handler)
        self._server.swift = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_port}"

    def options(self, container: str) -> dict[str, Any]:
        """OPTIONS for SwiftStorage, which asks once."""
        return {
            "api_auth_url": f"{self.url}/auth/v1.0",
            "api_username": USER,
            "api_key": KEY,
            "auth_version": "1",
            "container_name": container,
            "max_retries": 0,
        }

    def stop(self) -> None:
        """Stop for good: from now on every connection is refused."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            for connection in self._server.connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    swift: Swift

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Leave standard error alone."""

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", headers.get("length", str(len(body))))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length) if length else self._chunks()
        swift, parts = self.server.swift, urlsplit(self.path)
        if swift.refusal is not None:
            self._answer(swift.refusal)
        elif parts.path == "/auth/v1.0":
            known = (self.headers["X-Auth-User"], self.headers["X-Auth-Key"]) == (USER, KEY)
            if known:
                self._answer(200, X_Storage_Url=swift.url + ACCOUNT, X_Auth_Token=TOKEN)
            else:
                self._answer(401)
        elif self.headers["X-Auth-Token"] != TOKEN:
            self._answer(401)
        else:
            container, _, name = unquote(parts.path)[len(ACCOUNT) + 1 :].partition("/")
            files = swift.containers.get(container)
            if files is None:
                self._answer(404)
            elif name:
                getattr(self, f"_{self.command.lower()}_object")(files, name, content, length)
            else:
                self._container(files, parse_qs(parts.query))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def _chunks(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return b""
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _container(self, files: dict[str, Any], query: dict[str, list[str]]) -> None:
        prefix, marker = query.get("prefix", [""])[0], query.get("marker", [""])[0]
        names = sorted(name for name in files if name.startswith(prefix) and name > marker)
        listing = json.dumps([{"name": name, "bytes": len(files[name][0])} for name in names])
        self._answer(204 if self.command == "HEAD" else 200, listing.encode())

    def _put_object(self, files: dict[str, Any], name: str, content: bytes, length: int) -> None:
        if length and len(content) != length:  # The client broke off.
            self.close_connection = True
            return
        if self.headers["If-None-Match"] == "*" and name in files:
            self._answer(412)
            return
        files[name] = content, time.time()
        self._answer(201, Etag=hashlib.md5(content, usedforsecurity=False).hexdigest())

    def _get_object(self, files: dict[str, Any], name: str, _: bytes, __: int) -> None:
        if name not in files:
            self._answer(404)
            return
        content, stored = files[name]
        self._answer(
            200,
            content,
            Last_Modified=formatdate(stored, usegmt=True),
            X_Timestamp=f"{stored:.5f}",
            Etag=hashlib.md5(content, usedforsecurity=False).hexdigest(),
        )

    _head_object = _get_object

    def _delete_object(self, files: dict[str, Any], name: str, _: bytes, __: int) -> None:
        self._answer(404 if files.pop(name, None) is None else 204)
