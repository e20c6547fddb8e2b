"""What the demo does, step by step. Each step proves what it says, or raises `Untrue`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from django.core.files.storage import default_storage
from django.core.management import call_command

from example.claims import caught, check
from example.gallery.models import Photo
from example.pictures import Picture, is_image, picture
from example.production import Production, sha256
from example.site import Shown, Site
from fallback_storage.errors import ReadOnlyStorageError, StorageUnavailable
from fallback_storage.storage import FallbackStorage

LOST = "photos/lost.jpg"
PATIENCE = 5.0  # seconds within which an error must be told


class Story:
    """One day of the site: `tell` runs it and yields a sentence per step."""

    def __init__(self, production: Production, media: Path, pictures: list[Picture]) -> None:
        self.production = production
        self.media = media
        self.pictures = pictures
        self.before = production.snapshot()
        self.site = Site()
        self.storage = cast(FallbackStorage, default_storage)
        self.first = pictures[0].name

    def tell(self) -> Iterator[str]:
        steps: list[Callable[[], str]] = [
            self.production_is_full,
            self.database_is_here_and_files_are_not,
            self.page_shows_production,
            self.every_picture_loads,
            self.upload_stays_here,
            self.lost_file_is_an_error,
            self.editing_is_refused,
            self.replacing_and_deleting_stay_here,
            self.production_stops,
            self.error_says_who_could_not_answer,
            self.production_is_unchanged,
        ]
        for step in steps:
            yield step()

    def production_is_full(self) -> str:
        sizes = {p.name: len(p.content) for p in self.pictures}
        check(sizes == {k: s.size for k, s in self.before.items()}, "Production lacks pictures.")
        return (
            f"Production is a real S3 server at {self.production.server.endpoint_url},"
            f" with {len(sizes)} pictures ({megabytes(sum(sizes.values()))})."
        )

    def database_is_here_and_files_are_not(self) -> str:
        call_command("migrate", verbosity=0)
        rows = [Photo(title=p.title, image=p.name) for p in self.pictures]
        Photo.objects.bulk_create([*rows, Photo(title="Lost picture", image=LOST)])
        check(not self.local_files(), "The media folder is not empty.")
        return (
            f"This machine has production's database, {Photo.objects.count()} rows,"
            " and an empty media folder."
        )

    def page_shows_production(self) -> str:
        seconds, shown = self.timed_page()
        expected = {"production": len(self.pictures), "missing": 1}
        check(badges(shown) == expected, f"The page shows {dict(badges(shown))}.")
        return (
            f'The gallery page has {len(self.pictures)} pictures with the badge "production",'
            f" and 1 that is missing ({seconds:.1f} s)."
        )

    def every_picture_loads(self) -> str:
        loaded = [(s.file, self.site.load(s.url)) for s in self.site.page() if s.url]
        for name, content in loaded:
            check(is_image(content), f"{name} does not load as an image.")
            check(sha256(content) == self.before[name].sha256, f"{name} is not production's.")
        check(len(loaded) == len(self.pictures), "Not every picture has an address.")
        check(not self.local_files(), "The media folder is not empty.")
        total = megabytes(sum(len(content) for _, content in loaded))
        return (
            f"All {len(loaded)} addresses on the page load as images: {total}"
            " from production; the media folder is still empty."
        )

    def upload_stays_here(self) -> str:
        new = picture("Amber", "moon", "JPEG")._replace(name="new.jpg", title="New picture")
        self.site.upload(new)
        file = f"photos/{new.name}"
        check(self.local_files() == [file], f"The media folder has {self.local_files()}.")
        shown = self.shown(file)
        check(shown.badge == "uploads", f"The upload's badge is {shown.badge!r}.")
        check(self.site.load(shown.url) == new.content, "The upload does not read back.")
        self.check_production()
        return (
            f'{file}, uploaded in the admin, lies in the media folder, badge "uploads";'
            " production is unchanged."
        )

    def lost_file_is_an_error(self) -> str:
        with caught(FileNotFoundError) as errors:
            self.storage.open(LOST)
        return f"A file that is in neither: {told(errors[0])}"

    def editing_is_refused(self) -> str:
        with caught(ReadOnlyStorageError) as errors:
            self.storage.open(self.first, "r+b")
        self.check_production()
        return f"Editing production's {self.first} in place: {told(errors[0])}"

    def replacing_and_deleting_stay_here(self) -> str:
        self.storage.delete(self.first)
        check(self.storage.locate(self.first) == "production", "A delete hid production's file.")
        with self.storage.open(self.first, "wb") as file:
            file.write(b"replaced")
        check(self.shown(self.first).badge == "uploads", "The replacement is not shown.")
        self.check_production()
        self.storage.delete(self.first)
        check(self.shown(self.first).badge == "production", "Production's file did not return.")
        self.check_production()
        return (
            f"Deleting {self.first}, or writing a new one over it, changes this machine only:"
            " production is unchanged."
        )

    def production_stops(self) -> str:
        self.production.server.stop()
        seconds, shown = self.timed_page()
        check(seconds < PATIENCE, f"The page took {seconds:.1f} s.")
        expected = {"uploads": 1, "unavailable": len(self.pictures) + 1}
        check(badges(shown) == expected, f"The page shows {dict(badges(shown))}.")
        here = next(s for s in shown if s.badge == "uploads")
        check(is_image(self.site.load(here.url)), "The upload does not load.")
        others = [s for s in shown if s is not here]
        check(all("production" in s.problem for s in others), "The page does not say who failed.")
        return (
            f"Production stopped: the page still answers ({seconds:.1f} s) and shows"
            f" {here.file}; at the other {len(others)} it says who cannot answer."
        )

    def error_says_who_could_not_answer(self) -> str:
        begin = time.monotonic()
        with caught(Exception) as errors:
            self.storage.open(self.first)
        seconds, error = time.monotonic() - begin, errors[0]
        check(not isinstance(error, FileNotFoundError), "An outage passed for a missing file.")
        check(seconds < PATIENCE, f"The error took {seconds:.1f} s.")
        said = who_failed(error)
        check("production" in said, f"Nothing names production: {error!r}")
        return f"Opening {self.first} now ({seconds:.2f} s): {type(error).__name__}. {said}"

    def production_is_unchanged(self) -> str:
        self.production.server.start()
        self.check_production()
        check(self.shown(self.first).badge == "production", "Production is not back.")
        total = megabytes(sum(stored.size for stored in self.before.values()))
        return (
            f"Production started again: the same {len(self.before)} objects, byte for byte"
            f" ({total} compared)."
        )

    def timed_page(self) -> tuple[float, list[Shown]]:
        begin = time.monotonic()
        shown = self.site.page()
        return time.monotonic() - begin, shown

    def shown(self, file: str) -> Shown:
        return next(s for s in self.site.page() if s.file == file)

    def local_files(self) -> list[str]:
        paths = [p for p in self.media.rglob("*") if p.is_file()]
        return sorted(p.relative_to(self.media).as_posix() for p in paths)

    def check_production(self) -> None:
        check(self.production.snapshot() == self.before, "Production has changed.")


def badges(shown: list[Shown]) -> Counter[str]:
    return Counter(s.badge for s in shown)


def told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def who_failed(error: Exception) -> str:
    """What the error says of the backends."""
    if isinstance(error, StorageUnavailable):
        return str(error)
    return " ".join(getattr(error, "__notes__", ()))


def megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
