"""What a URL answers: asked of this process's own views, or over HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from django.conf import settings
from django.test import Client

from fallback_storage.statuses import http_date

#: How much of a file is read and compared.
MOST = 16 * 1024 * 1024
#: The most redirects that are followed.
REDIRECTS = 5
_TIMEOUT = 10.0


class NotAsked(Exception):
    """The URL could not be asked from here; the text says why."""


@dataclass(frozen=True)
class Page:
    """What a URL answered; ``content`` holds ``MOST`` bytes at most, ``date`` is the server's."""

    url: str
    status: int
    content: bytes
    content_type: str
    location: str | None
    date: datetime | None


def page(url: str, base_url: str | None = None) -> Page:
    """Ask a URL, and where it redirects to; a relative one below ``base_url``, else here."""
    if base_url is not None:
        url = urljoin(base_url, url)
    for _ in range(REDIRECTS + 1):
        found = _ask(url)
        if found.location is None:
            break
        url = urljoin(url, found.location)
    return found


def shown(url: str) -> str:
    """Return a URL without what may be secret: its user, and the query that signs it."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))


def _ask(url: str) -> Page:
    if not urlsplit(url).netloc:
        return _ask_here(url)
    return _ask_there(f"https:{url}" if url.startswith("//") else url)


def _ask_here(url: str) -> Page:
    client = Client(SERVER_NAME=_host(), raise_request_exception=False)
    # As over TLS, or a site that insists on it would only redirect.
    response: Any = client.get(url, secure=True)
    with closing(response):
        chunks = response.streaming_content if response.streaming else [response.content]
        return _page(url, response.status_code, response.headers, chunks)


def _host() -> str:
    """Return a host that this site answers to."""
    hosts = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"]
    return hosts[0] if hosts else "localhost"


def _ask_there(url: str) -> Page:
    try:
        import urllib3
    except ImportError:
        raise NotAsked("pip install 'django-fallback-storage[http]' to have it asked") from None
    with urllib3.PoolManager(headers={"Accept-Encoding": "identity"}) as pool:
        response = pool.request(
            "GET", url, redirect=False, retries=False, timeout=_TIMEOUT, preload_content=False
        )
        try:
            return _page(url, response.status, response.headers, response.stream())
        finally:
            response.close()


def _page(url: str, status: int, headers: Any, chunks: Iterable[bytes]) -> Page:
    content_type = str(headers.get("Content-Type", "")).partition(";")[0]
    location = headers.get("Location") if 300 <= status < 400 else None
    return Page(url, status, beginning(chunks), content_type, location, http_date(headers))


def beginning(chunks: Iterable[bytes]) -> bytes:
    """Return the first ``MOST`` bytes of some chunks, and read little more."""
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) >= MOST:
            break
    return bytes(content[:MOST])
