"""A small HTTP server that answers as Azure Blob Storage does, errors included.

The status codes, headers and bodies are those that Azurite gives to the same requests.
"""

from __future__ import annotations

import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from azure.storage.blob import BlobServiceClient
from storages.backends.azure_storage import AzureStorage

from example.weed import HOST

PATIENCE = 30.0
ACCOUNT = "devaccount"
KEY = "a2V5"
CONTAINER = "container"


class AzureBlob:
    """One server with containers in memory; a context manager."""

    def __init__(self, *containers: str) -> None:
        self.containers: dict[str, dict[str, bytes]] = {name: {} for name in containers}
        #: Given instead of every answer, if any: a status and Azure's word for it.
        self.refusal: tuple[int, str] | None = None
        #: Method and path of each request.
        self.requests: list[tuple[str, str]] = []
        self._server = _Server((HOST, 0), _Handler)
        self._server.azure = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_port}/{ACCOUNT}"

    def stop(self) -> None:
        """Stop for good: from now on every connection is refused."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    azure: AzureBlob


class _Handler(BaseHTTPRequestHandler):
    # A connection for each request, so that none is left open when the server stops.
    protocol_version = "HTTP/1.0"
    server: _Server

    def handle_request(self) -> None:
        azure = self.server.azure
        url = urlsplit(self.path)
        azure.requests.append((self.command, url.path))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        _, _, container, name = [*unquote(url.path).split("/", 3), ""][:4]
        if azure.refusal is not None:
            self._error(*azure.refusal)
        elif container not in azure.containers:
            self._error(404, "ContainerNotFound")
        elif not name:
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            self._list(azure.containers[container], query)
        else:
            getattr(self, f"_{self.command.lower()}")(azure.containers[container], name, body)

    do_GET = do_HEAD = do_PUT = do_DELETE = handle_request  # noqa: N815 - http.server's

    def _get(self, blobs: dict[str, bytes], name: str, _: bytes) -> None:
        if name not in blobs:
            self._error(404, "BlobNotFound")
        elif "x-ms-range" not in self.headers or self.command == "HEAD":
            self._answer(200, blobs[name])
        elif not blobs[name]:
            self._error(416, "InvalidRange")
        else:
            first, last = self.headers["x-ms-range"].removeprefix("bytes=").split("-")
            part = blobs[name][int(first) : int(last) + 1]
            end = int(first) + len(part) - 1
            content_range = f"bytes {first}-{end}/{len(blobs[name])}"
            self._answer(206, part, **{"Content-Range": content_range})

    _head = _get

    def _put(self, blobs: dict[str, bytes], name: str, body: bytes) -> None:
        if self.headers.get("If-None-Match") == "*" and name in blobs:
            self._error(409, "BlobAlreadyExists")
        else:
            blobs[name] = body
            self._answer(201)

    def _delete(self, blobs: dict[str, bytes], name: str, _: bytes) -> None:
        if blobs.pop(name, None) is None:
            self._error(404, "BlobNotFound")
        else:
            self._answer(202)

    def _list(self, blobs: dict[str, bytes], query: dict[str, str]) -> None:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        entries: dict[str, None] = {}
        for name in sorted(name for name in blobs if name.startswith(prefix)):
            below, slash, _ = name.removeprefix(prefix).partition(delimiter or "\0")
            kind = "BlobPrefix" if slash else "Blob"
            entry = f"<Name>{escape(prefix + below + slash)}</Name>"
            properties = "" if slash else "<Properties><BlobType>BlockBlob</BlobType></Properties>"
            entries[f"<{kind}>{entry}{properties}</{kind}>"] = None
        xml = f"<EnumerationResults><Blobs>{''.join(entries)}</Blobs><NextMarker/>"
        self._answer(200, f"{_XML}{xml}</EnumerationResults>".encode(), "application/xml")

    def _error(self, status: int, code: str) -> None:
        body = f"{_XML}<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        self._answer(status, body, "application/xml", **{"x-ms-error-code": code})

    def _answer(
        self,
        status: int,
        body: bytes = b"",
        content_type: str = "application/octet-stream",
        **headers: Any,
    ) -> None:
        self.send_response(status)
        now = formatdate(usegmt=True)
        headers |= {"Content-Type": content_type, "Content-Length": len(body)}
        headers |= {"Last-Modified": now, "ETag": '"0x1"', "x-ms-blob-type": "BlockBlob"}
        for header, value in headers.items():
            self.send_header(header, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


_XML = '<?xml version="1.0" encoding="utf-8"?>'


class LoopbackStorage(AzureStorage):  # type: ignore[misc]
    """AzureStorage at another address, asking once: by itself it asks four times in 80 s."""

    def __init__(self, account_url: str, **options: Any) -> None:
        super().__init__(account_name=ACCOUNT, account_key=KEY, **options)
        self.account_url = account_url

    def _get_service_client(self) -> Any:
        return BlobServiceClient(
            self.account_url,
            credential={"account_name": ACCOUNT, "account_key": KEY},
            retry_total=0,
            connection_timeout=PATIENCE,
            read_timeout=PATIENCE,
        )


class MakeAzure:
    """Builds storages over the server, and closes their clients."""

    def __init__(self, server: AzureBlob) -> None:
        self.server = server
        self.made: list[LoopbackStorage] = []

    def __call__(self, container: str = CONTAINER, **options: Any) -> LoopbackStorage:
        storage = LoopbackStorage(self.server.url, azure_container=container, **options)
        self.made.append(storage)
        return storage
