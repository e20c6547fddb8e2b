"""The site as it is looked at while production is up or down, and what must be true of it then."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from django.core.files.storage import default_storage

from example import dump
from example.claims import check
from example.outage import bounded_by_its_breaker
from example.pictures import is_image
from example.production import Production
from example.site import Shown, Site
from fallback_storage.errors import StorageUnavailable
from fallback_storage.storage import OverlayStorage

T = TypeVar("T")

PATIENCE = 300.0  # seconds until this gives up waiting, which is no claim


class Visit:
    """A visitor who knows what production was, and sees into the media folder."""

    def __init__(self, production: Production, media: Path) -> None:
        self.production = production
        self.media = media
        self.before = production.snapshot()
        self.site = Site()
        self.storage = cast(OverlayStorage, default_storage)
        self.asked = 0
        self.seconds = 0.0

    def check_outage(self) -> tuple[int, int]:
        """Check what the page shows while production does not answer; count here and there."""
        with bounded_by_its_breaker() as outage:
            shown = self.site.page()
        self.asked, self.seconds = outage.asked, outage.seconds
        local = set(self.local_files("photos"))
        here = [s for s in shown if s.badge == "uploads"]
        others = [s for s in shown if s.badge == "unavailable"]
        check({s.file for s in here} == local, "The page does not show the local pictures.")
        # That the lost picture is missing may be remembered from when production answered.
        rest = {s.file for s in shown if s not in here and s not in others}
        check(rest <= {dump.LOST}, f"It shows {dict(badges(shown))}.")
        check(all("production" in s.problem for s in others), "It does not say who failed.")
        for each in here:
            check(is_image(self.site.load(each.thumbnail)), f"{each.file} does not load.")
        return len(here), len(others)

    def check_shown(self, file: str, content: bytes) -> None:
        """Check that a picture lies on the local disk, and that the page says and serves it."""
        check(file in self.local_files("photos"), f"{file} is not in the media folder.")
        shown = self.shown(file)
        check(shown.badge == "uploads", f"The badge of {file} is {shown.badge!r}.")
        check(self.site.load(shown.url) == content, f"{file} does not read back.")

    def check_production(self) -> None:
        check(self.production.snapshot() == self.before, "Production has changed.")

    def page(self) -> list[Shown]:
        """Load the page, again until production, which runs, has answered for every picture."""
        begin = time.monotonic()
        shown = self.answered(self.whole_page)
        self.seconds = time.monotonic() - begin
        return shown

    def whole_page(self) -> list[Shown]:
        shown = self.site.page()
        if problems := [each.problem for each in shown if each.badge == "unavailable"]:
            raise StorageUnavailable(problems[0])
        return shown

    def answered(self, ask: Callable[[], T]) -> T:
        """Ask until production, which runs, answers in time.

        On a busy machine its deadline may pass, which is no fault of the storage.
        """
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return ask()
            except StorageUnavailable as error:
                check(time.monotonic() < end, f"Production does not answer: {error}")
                time.sleep(0.1)  # until its breaker lets a probe pass

    def shown(self, file: str) -> Shown:
        return next(s for s in self.page() if s.file == file)

    def listed(self) -> list[str]:
        """All names of the photos, as the storage lists them: a plain website has no listing."""
        try:
            _, files = self.answered(lambda: self.storage.listdir("photos"))
        except NotImplementedError:
            return []
        return [f"photos/{name}" for name in files]

    def local_files(self, folder: str = "") -> list[str]:
        """The files of the media folder, less the whiteouts, which no storage shows."""
        paths = [p for p in (self.media / folder).rglob("*") if p.is_file()]
        names = [p.relative_to(self.media).as_posix() for p in paths if p.name[:4] != ".wh."]
        return sorted(names)


def badges(shown: list[Shown]) -> Counter[str]:
    return Counter(s.badge for s in shown)
