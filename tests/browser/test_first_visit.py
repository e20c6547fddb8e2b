"""The gallery as it is found, in a real browser: nothing in this module changes it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from example.pictures import picture, pictures
from tests.browser.gallery import Gallery

FILES = [each.name for each in pictures()]
NOT_A_PICTURE = picture("Jade", "moon", "JPEG")._replace(title="W" * 100, content=b"no picture")


def test_pictures_of_production_appear_on_an_empty_local_disk(gallery: Gallery) -> None:
    widths = gallery.widths()
    assert sorted(widths) == sorted(FILES)
    assert min(widths.values()) > 0
    assert gallery.badges() == {"production": len(FILES), "missing": 1}


def test_an_upload_of_something_else_is_refused_in_words(gallery: Gallery) -> None:
    gallery.upload(NOT_A_PICTURE)
    expect(gallery.page.locator(".messages")).to_contain_text("Upload a valid image.")
    assert gallery.badges() == {"production": len(FILES), "missing": 1}


@pytest.mark.parametrize("width", [360, 1400])
def test_the_page_fits_its_window(gallery: Gallery, width: int) -> None:
    gallery.page.set_viewport_size({"width": width, "height": 900})
    gallery.upload(NOT_A_PICTURE)
    expect(gallery.page.locator(".messages")).to_be_visible()
    gallery.card(FILES[0]).get_by_text("Change").click()
    assert gallery.overflow() == 0


def test_the_page_can_be_used_with_a_keyboard(gallery: Gallery) -> None:
    card = gallery.card(FILES[0])
    card.locator("summary").focus()
    gallery.page.keyboard.press("Enter")
    expect(card.get_by_role("button", name="Delete")).to_be_visible()
