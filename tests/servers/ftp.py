"""A real FTP server in a thread of its own, started, stopped and made to refuse at will."""

from __future__ import annotations

import logging
import socket
import threading
import warnings
from pathlib import Path
from typing import Any, Self

from storages.backends.ftp import FTPStorage

from example.weed import HOST

with warnings.catch_warnings():
    # Python 3.11 still has the modules that it uses, and says that they will go.
    warnings.filterwarnings("ignore", "The async.* module is deprecated", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer as Acceptor

logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)  # it logs every connection


class FTPServer:
    """One server over a directory; a context manager. `port` stays the same over `stop`."""

    user = "user"
    password = "swordfish"

    def __init__(self, root: Path) -> None:
        self.port = 0
        #: The commands that are answered otherwise than they would be: `{"NLST": "425 …"}`.
        self.answers: dict[str, str] = {}
        self._root = root
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def location(self, directory: str = "", password: str = password) -> str:
        """`location` for FTPStorage."""
        return f"ftp://{self.user}:{password}@{HOST}:{self.port}/{directory}"

    def start(self) -> None:
        authorizer = DummyAuthorizer()
        authorizer.add_user(self.user, self.password, str(self._root), perm="elradfmwMT")
        handler = type(
            "Handler",
            (_Handler,),
            {"authorizer": authorizer, "answers": self.answers, "auth_failed_timeout": 0},
        )
        listener = socket.create_server((HOST, self.port))
        self.port = listener.getsockname()[1]
        acceptor = Acceptor(listener, handler, IOLoop())
        self._stopping.clear()
        self._thread = threading.Thread(target=self._serve, args=(acceptor,))
        self._thread.start()

    def stop(self) -> None:
        """End the server and every connection to it."""
        if self._thread is not None:
            self._stopping.set()
            self._thread.join()
            self._thread = None

    def _serve(self, acceptor: Any) -> None:
        while not self._stopping.is_set():
            acceptor.serve_forever(timeout=0.02, blocking=False, handle_exit=False)
        acceptor.close_all()


class _Handler(FTPHandler):  # type: ignore[misc]
    answers: dict[str, str]

    def process_command(self, cmd: str, *args: Any, **kwargs: Any) -> None:
        if cmd in self.answers:
            self.respond(self.answers[cmd])
        else:
            super().process_command(cmd, *args, **kwargs)


class MakeFTP:
    """Builds storages over the server, and closes their connections."""

    def __init__(self, server: FTPServer) -> None:
        self.server = server
        self.made: list[FTPStorage] = []

    def __call__(self, location: str | None = None, **options: Any) -> FTPStorage:
        location = location or self.server.location()
        storage = FTPStorage(location=location, encoding="utf-8", base_url="/ftp/", **options)
        self.made.append(storage)
        return storage
