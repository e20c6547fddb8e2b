"""Servers that are down, in three ways: refusing, dropping packets, hanging."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from example.seaweedfs import SeaweedFS
from example.weed import HOST

FULL = 8  # more connections than a backlog of none takes


@contextmanager
def refusing() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else can take."""
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        yield bound.getsockname()[1]


@contextmanager
def dropping() -> Iterator[int]:
    """A port that answers no packet: its backlog is full, so Linux drops whoever knocks."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind((HOST, 0))
        server.listen(0)
        for _ in range(FULL):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@contextmanager
def hanging(server: SeaweedFS, port: int) -> Iterator[int]:
    """A server's own port while its process is frozen: connections are taken, nothing is said."""
    server.pause()
    try:
        yield port
    finally:
        server.resume()
