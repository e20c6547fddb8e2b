"""What is changed on the local disk, in a real browser, and what production is after it."""

from __future__ import annotations

from typing import Any, cast

from playwright.sync_api import expect

from example.pictures import picture, pictures
from example.settings import STORAGES
from fallback_storage.errors import BreakerOpen
from tests.browser.conftest import RunningSite
from tests.browser.gallery import Gallery

BREAKER = cast(Any, STORAGES)["default"]["OPTIONS"]["backends"][-1]["BREAKER"]
REPLACED, DELETED, KEPT, *_ = [each.name for each in pictures()]
NEW = picture("Jade", "moon", "JPEG")._replace(name="photos/new.jpg", title="New")
LOCAL = picture("Jade", "moon", "PNG")._replace(name="photos/local.png", title="Local")


def test_what_is_done_on_the_page_stays_on_the_local_disk(
    gallery: Gallery, site: RunningSite
) -> None:
    before = site.objects()

    gallery.upload(NEW)
    expect(gallery.card(NEW.name).locator(".badge")).to_contain_text("uploads")
    assert gallery.widths()[NEW.name] > 0

    old = gallery.card(REPLACED).locator("img").screenshot()
    gallery.replace(REPLACED, picture("Ruby", "waves", "PNG"))
    expect(gallery.card(REPLACED).locator(".badge")).to_contain_text("uploads")
    assert gallery.widths()[REPLACED] > 0
    assert gallery.card(REPLACED).locator("img").screenshot() != old

    gallery.delete(DELETED)
    gallery.delete(NEW.name)
    gallery.page.reload()
    expect(gallery.card(KEPT)).to_be_visible()
    expect(gallery.card(DELETED)).to_have_count(0)
    expect(gallery.card(NEW.name)).to_have_count(0)

    assert DELETED in before
    assert site.objects() == before


def test_local_pictures_are_shown_while_production_is_stopped(
    gallery: Gallery, site: RunningSite
) -> None:
    before = site.objects()
    gallery.upload(LOCAL)
    expect(gallery.card(LOCAL.name)).to_be_visible()
    badges = gallery.badges()

    gallery.switch_production("Stop", then="Start")
    gallery.page.reload()
    asked = [problem for problem in gallery.problems() if BreakerOpen.__name__ not in problem]
    assert len(asked) <= BREAKER["failures"] + gallery.seconds() / BREAKER["cooldown"]
    assert gallery.badges() == {
        "uploads": badges["uploads"],
        "unavailable": badges["production"] + badges["missing"],
    }
    expect(gallery.card(KEPT).locator(".problem")).to_contain_text("production")
    widths = gallery.widths()
    assert LOCAL.name in widths
    assert len(widths) == badges["uploads"]
    assert min(widths.values()) > 0

    gallery.switch_production("Start", then="Stop")
    assert gallery.badges() == badges
    assert min(gallery.widths().values()) > 0
    assert site.objects() == before
