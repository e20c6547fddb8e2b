"""The way to a server on this machine, which can be shut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Self

HOST = "127.0.0.1"


class Gate:
    """Passes connections on to a port, as long as it is open; a context manager.

    Shut, it refuses connections and breaks those that there are.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._reserved = _bound(0)  # So that nobody else gets the port while the gate is shut.
        self.port: int = self._reserved.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listening: socket.socket | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()
        self._reserved.close()

    def open(self) -> None:
        """Let connections pass."""
        self._listening = _bound(self.port)
        self._listening.listen(64)
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def shut(self) -> None:
        """Refuse connections, and break those that there are."""
        with self._lock:
            listening, self._listening = self._listening, None
            connections, self._open = self._open, set()
        if listening is not None:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Shut the gate while the block runs."""
        self.shut()
        try:
            yield
        finally:
            self.open()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return  # Shut.
            threading.Thread(target=self._serve, args=(client, listening), daemon=True).start()

    def _serve(self, client: socket.socket, listening: socket.socket) -> None:
        server = socket.create_connection((HOST, self._target))
        with closing(client), closing(server):
            with self._lock:
                if self._listening is not listening:
                    return
                self._open |= {client, server}
            back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
            back.start()
            _pass_on(client, server)
            back.join()
            with self._lock:
                self._open -= {client, server}


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((HOST, port))
    return bound


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
