"""A web site that serves the files of a directory, and remembers what it was asked."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.apps.gate import HOST


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    asked: list[str]


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Leave standard error alone."""

    def send_response(self, *args: Any) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        super().send_response(*args)


@contextmanager
def site(directory: Path) -> Iterator[_Server]:
    """Serve a directory while the block runs."""
    handler = functools.partial(_Handler, directory=str(directory))
    with _Server((HOST, 0), handler) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
