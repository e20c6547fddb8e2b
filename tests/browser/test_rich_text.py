"""A post whose text refers to pictures by their addresses, in a real browser."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import Browser

from example.pictures import POST_PICTURES, picture, pictures
from tests.browser.conftest import RunningSite
from tests.browser.gallery import WIDTH, Gallery

REPLACED, DELETED, *KEPT = [each.name for each in pictures()][:POST_PICTURES]


def visit(browser: Browser, site: RunningSite) -> tuple[dict[str, int], dict[str, int]]:
    """Open the post in a browser that remembers nothing; give widths and statuses, by file."""
    context = browser.new_context()
    try:
        page = context.new_page()
        statuses: dict[str, int] = {}
        page.on("response", lambda r: statuses.update({_file(r.url): r.status}))
        page.goto(site.address)
        page.get_by_role("link", name="A walk").click()
        page.wait_for_load_state("networkidle")
        images = page.locator(".post img").evaluate_all(
            f"images => Promise.all(images.map(async i => [i.src, await ({WIDTH})(i)]))"
        )
        widths = {_file(str(url)): int(width) for url, width in images}
        return widths, {file: statuses[file] for file in widths}
    finally:
        context.close()


def _file(url: str) -> str:
    return urlsplit(url).path.removeprefix("/media/")


def test_a_post_shows_what_production_has_less_what_was_deleted_here(
    gallery: Gallery, site: RunningSite, browser: Browser
) -> None:
    before = site.objects()
    files = {REPLACED, DELETED, *KEPT}

    widths, statuses = visit(browser, site)
    assert statuses == dict.fromkeys(files, 200)
    assert min(widths.values()) > 0

    gallery.replace(REPLACED, picture("Ruby", "waves", "PNG"))
    gallery.delete(DELETED)
    widths, statuses = visit(browser, site)
    assert statuses == dict.fromkeys(files, 200) | {DELETED: 404}
    assert {file for file, width in widths.items() if width} == files - {DELETED}

    gallery.switch_production("Stop", then="Start")
    try:
        widths, statuses = visit(browser, site)
    finally:
        gallery.switch_production("Start", then="Stop")
    assert statuses == {REPLACED: 200, DELETED: 404} | dict.fromkeys(KEPT, 503)
    assert {file for file, width in widths.items() if width} == {REPLACED}

    widths, statuses = visit(browser, site)
    assert statuses == dict.fromkeys(files, 200) | {DELETED: 404}
    assert site.objects() == before
