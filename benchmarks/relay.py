"""Counts the requests that reach a server: a relay in front of it that changes no byte."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Self

from example.weed import HOST

HEAD_BYTES = 1 << 16
CHUNK_BYTES = 1 << 16


class Relay:
    """Listens on a port of its own; a context manager.

    The Host header stays as the client sent it, so that signatures hold.
    """

    def __init__(self, port: int) -> None:
        self.requests = 0
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connections: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(self._listen(), self._loop)
        self._server = started.result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, HOST, 0, limit=HEAD_BYTES)

    async def _stop(self) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task  # noqa: S101
        self._connections.add(task)
        try:
            await self._connect(reader, writer)
        finally:
            self._connections.discard(task)

    async def _connect(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        server, request = await asyncio.open_connection(HOST, self._target)
        answers = asyncio.create_task(_pump(server, answer))
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    await self._one_request(client, request)
        finally:
            request.close()
            answers.cancel()
            answer.close()

    async def _one_request(
        self, client: asyncio.StreamReader, request: asyncio.StreamWriter
    ) -> None:
        head = await client.readuntil(b"\r\n\r\n")
        self.requests += 1
        request.write(head)
        left = _content_length(head)
        while left:
            data = await client.readexactly(min(left, CHUNK_BYTES))
            request.write(data)
            left -= len(data)
        await request.drain()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(CHUNK_BYTES):
            sink.write(data)
            await sink.drain()
    sink.close()


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        field, _, value = line.partition(b":")
        if field.strip().lower() == b"content-length":
            return int(value)
        if field.strip().lower() == b"transfer-encoding":
            raise ValueError("A request without a length cannot be counted.")
    return 0
