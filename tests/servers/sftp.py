"""A real SFTP server in a thread of its own, started, stopped and made to refuse at will."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar

import asyncssh

from example.weed import HOST

Result = TypeVar("Result")


class SFTPServer:
    """One server over a directory; a context manager. `port` stays the same over `stop`."""

    user = "user"
    password = "swordfish"

    def __init__(self, root: Path) -> None:
        self.port = 0
        #: The operations answered with "permission denied": "open", "remove", …
        self.refuses: set[str] = set()
        #: How many bytes are written before a file is given up, if any.
        self.disk_full_after: int | None = None
        self._root = root
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._connections: list[asyncssh.SSHServerConnection] = []
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def start(self) -> None:
        self._run(self._start())

    def stop(self) -> None:
        """End the server and every connection to it."""
        self._run(self._stop())

    @property
    def params(self) -> dict[str, Any]:
        """`params` for SFTPStorage."""
        return {
            "port": self.port,
            "username": self.user,
            "password": self.password,
            "allow_agent": False,
            "look_for_keys": False,
            "timeout": 30,
            "banner_timeout": 30,
            "auth_timeout": 30,
        }

    def _run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    async def _start(self) -> None:
        self._acceptor = await asyncssh.listen(
            HOST,
            self.port,
            server_factory=lambda: _Login(self),
            server_host_keys=[self._key],
            sftp_factory=lambda channel: _Files(self, channel),
            reuse_address=True,
        )
        self.port = self._acceptor.get_port()

    async def _stop(self) -> None:
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.close()
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.abort()
            await connection.wait_closed()
        if acceptor is not None:
            await acceptor.wait_closed()  # From Python 3.12 on: until the connections are.

    def connected(self, connection: asyncssh.SSHServerConnection) -> None:
        self._connections.append(connection)

    @property
    def connections(self) -> int:
        """How many were made since the start."""
        return len(self._connections)

    @property
    def chroot(self) -> bytes:
        return bytes(self._root)


class _Login(asyncssh.SSHServer):
    def __init__(self, server: SFTPServer) -> None:
        self._server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._server.connected(conn)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (self._server.user, self._server.password)


class _Files(asyncssh.SFTPServer):
    def __init__(self, server: SFTPServer, channel: Any) -> None:
        super().__init__(channel, chroot=server.chroot)
        self._server = server

    def _may(self, operation: str) -> None:
        if operation in self._server.refuses:
            raise asyncssh.SFTPPermissionDenied(f"{operation} is refused")

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        self._may("open")
        return super().open(path, pflags, attrs)

    def remove(self, path: bytes) -> Any:
        self._may("remove")
        return super().remove(path)

    def stat(self, path: bytes) -> Any:
        self._may("stat")
        return super().stat(path)

    def write(self, file_obj: object, offset: int, data: bytes) -> Any:
        limit = self._server.disk_full_after
        if limit is not None and offset + len(data) > limit:
            raise asyncssh.SFTPFailure("The disk is full")
        return super().write(file_obj, offset, data)
