"""Whether the URL of a file answers with the file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from fallback_storage.combined.base import CombinedStorage
from fallback_storage.diagnosis import page as pages
from fallback_storage.diagnosis.clock import compared
from fallback_storage.diagnosis.finding import Finding, Findings, Level, note, problem, well
from fallback_storage.diagnosis.page import NotAsked, Page, page, shown

_HERE = "Serve MEDIA_URL through the storage: see docs/pictures-in-rich-text.md."
_THERE = "Check base_url, custom_domain and location of the backend that serves it."
_BY_STATUS = {
    401: "Who sees it must log in: a page shows no picture without. Is that meant?",
    403: "Its server refuses visitors. Sign URLs (S3: querystring_auth), or make files public.",
}
_OK = 200


def url_of_file(
    storage: CombinedStorage,
    name: str,
    content: bytes,
    *,
    base_url: str | None,
    now: Callable[[], datetime],
) -> Findings:
    """Ask the URL of a file that begins with ``content``."""
    try:
        url = storage.url(name)
    except Exception as error:
        yield problem(
            "no-url",
            name,
            f"url() raises {type(error).__name__}",
            "Give the backend that holds it a base_url, or serve it by a view.",
        )
        return
    try:
        found = page(url, base_url)
    except NotAsked as reason:
        yield note("url-not-asked", name, f"its URL is {shown(url)}", f"{reason}.")
    except Exception as error:  # Whatever a network does, or a view that is imported.
        yield problem(
            "url-unreachable",
            name,
            f"{shown(url)} gives no answer: {type(error).__name__}",
            "Can this machine reach that host? Is the address right?",
        )
    else:
        yield _compared(name, url, found, content)
        if urlsplit(found.url).netloc and found.date is not None:
            host = str(urlsplit(found.url).hostname)
            skews = compared(host, found.date, now())
            yield from (each for each in skews if each.level is Level.PROBLEM)


def _compared(name: str, url: str, found: Page, content: bytes) -> Finding:
    where = shown(url) if found.url == url else f"{shown(url)} leads to {shown(found.url)}, which"
    if found.status != _OK:
        usual = _THERE if urlsplit(found.url).netloc else _HERE
        says = f"{where} answers {found.status}"
        advice = _BY_STATUS.get(found.status, usual)
        if found.location is not None:
            advice = "It redirects in a circle, or to a page that does."
        return problem("url-fails", name, says, advice)
    if found.content == content:
        all_of_it = "the first " if len(content) == pages.MOST else "the same "
        return well("url-answers", name, f"{where} answers with {all_of_it}{len(content)} bytes")
    return problem(
        "url-other-content",
        name,
        f"{where} answers with something else: {found.content_type or 'no type'},"
        f" {len(found.content)} bytes",
        f"Is that a login, an error page or another file? {_THERE}",
    )
