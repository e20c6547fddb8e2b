"""The gallery page, as somebody at a browser sees and uses it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from playwright.sync_api import Locator, Page, Response

from example.pictures import Picture

# Whether a picture arrived: a broken one has no width.
WIDTH = """async image => {
    await image.decode().catch(() => null);
    return image.naturalWidth;
}"""

_WIDTHS = f"""images => Promise.all(images.map(async image =>
    [image.closest("li").dataset.file, await ({WIDTH})(image)]
))"""

# How long the page took to arrive, in seconds; pictures come after it.
_SECONDS = "performance.getEntriesByType('navigation')[0].responseEnd / 1000"


class Gallery:
    """The page in a browser."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self._address = address

    def open(self) -> Response:
        response = self.page.goto(self._address)
        assert response is not None
        assert response.ok
        return response

    def seconds(self) -> float:
        """How long the page took to arrive."""
        return float(self.page.evaluate(_SECONDS))

    def widths(self) -> dict[str, int]:
        """The width of each picture shown, by file."""
        pictures: Any = self.page.locator(".pictures img").evaluate_all(_WIDTHS)
        return {str(file): int(width) for file, width in pictures}

    def badges(self) -> Counter[str]:
        """How many pictures each badge is on."""
        texts = self.page.locator("figcaption .badge").all_inner_texts()
        return Counter(text.split()[-1] for text in texts)

    def problems(self) -> list[str]:
        """What is written in the place of the pictures that cannot be shown."""
        return self.page.locator(".problem").all_inner_texts()

    def card(self, file: str) -> Locator:
        return self.page.locator(f'[data-file="{file}"]')

    def badge(self, file: str) -> str:
        return self.card(file).locator(".badge").inner_text().split()[-1]

    def upload(self, picture: Picture) -> None:
        self.page.get_by_label("Title").fill(picture.title)
        self.page.get_by_label("Picture", exact=True).set_input_files(_file(picture))
        self.page.get_by_role("button", name="Upload").click()

    def replace(self, file: str, picture: Picture) -> None:
        card = self.card(file)
        card.get_by_text("Change").click()
        card.get_by_label("New picture").set_input_files(_file(picture))
        card.get_by_role("button", name="Replace").click()

    def delete(self, file: str) -> None:
        card = self.card(file)
        card.get_by_text("Change").click()
        card.get_by_role("button", name="Delete").click()
        card.wait_for(state="detached")

    def switch_production(self, action: str, then: str) -> None:
        self.page.get_by_role("button", name=f"{action} production").click()
        self.page.get_by_role("button", name=f"{then} production").wait_for()

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(
            self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )


def _file(picture: Picture) -> Any:
    base = picture.name.rpartition("/")[2]
    kind = {"jpg": "image/jpeg", "png": "image/png"}[base.rpartition(".")[2]]
    return {"name": base, "mimeType": kind, "buffer": picture.content}
