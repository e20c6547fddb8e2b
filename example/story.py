"""What the demo does, step by step. Each step proves what it says, or raises `Untrue`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from example import dump
from example.claims import caught, check
from example.outage import bounded_by_its_deadline
from example.pictures import Picture, is_image, picture
from example.production import Production, sha256
from example.serve import hand_over
from example.visit import Visit, badges
from fallback_storage.errors import StorageUnavailable


class Story(Visit):
    """One day of the site: `tell` runs it and yields a sentence per step."""

    def __init__(self, production: Production, media: Path, pictures: list[Picture]) -> None:
        super().__init__(production, media)
        self.pictures = pictures
        hand_over(production)
        self.replaced, self.appended, self.deleted, self.removed = (p.name for p in pictures[:4])
        self.kept = pictures[-1].name

    def tell(self) -> Iterator[str]:
        steps: list[Callable[[], str]] = [
            self.production_is_full,
            self.database_is_here_and_files_are_not,
            self.page_shows_production,
            self.every_picture_loads,
            self.upload_stays_here,
            self.replacing_makes_a_copy_here,
            self.changing_in_place_copies_up,
            self.deleted_stays_deleted,
            self.rich_text_shows_its_pictures,
            self.lost_file_is_an_error,
            self.production_stops,
            self.error_says_who_could_not_answer,
            self.production_is_silent,
            self.production_is_unchanged,
        ]
        for step in steps:
            yield step()

    def production_is_full(self) -> str:
        sizes = {p.name: len(p.content) for p in self.pictures}
        check(sizes == {k: s.size for k, s in self.before.items()}, "Production lacks pictures.")
        return (
            f"Production is {self.production.kind} at {self.production.address},"
            f" with {len(sizes)} pictures ({megabytes(sum(sizes.values()))})."
        )

    def database_is_here_and_files_are_not(self) -> str:
        rows = dump.load(self.pictures)
        check(not self.local_files(), "The media folder is not empty.")
        return f"This machine has production's database, {rows} rows, and an empty media folder."

    def page_shows_production(self) -> str:
        shown = self.page()
        expected = {"production": len(self.pictures), "missing": 1}
        check(badges(shown) == expected, f"The page shows {dict(badges(shown))}.")
        for each in shown:
            if each.thumbnail:
                content = self.site.load(each.thumbnail)
                check(is_image(content), f"The thumbnail of {each.file} does not load.")
        thumbnails = self.local_files("cache")
        check(len(thumbnails) == len(self.pictures), f"There are {len(thumbnails)} thumbnails.")
        self.check_production()
        return (
            f'The gallery shows {len(self.pictures)} pictures with the badge "production" and 1'
            f" that is missing ({self.seconds:.1f} s); their thumbnails lie in the media folder,"
            " none in production."
        )

    def every_picture_loads(self) -> str:
        loaded = [(s.file, self.site.load(s.url)) for s in self.page() if s.url]
        for name, content in loaded:
            check(sha256(content) == self.before[name].sha256, f"{name} is not production's.")
        check(len(loaded) == len(self.pictures), "Not every picture has an address.")
        check(not self.local_files("photos"), "Pictures were copied.")
        total = megabytes(sum(len(content) for _, content in loaded))
        return (
            f"All {len(loaded)} pictures load in full, {total} from production; the media folder"
            " still has none of them."
        )

    def upload_stays_here(self) -> str:
        new = picture("Amber", "moon", "JPEG")._replace(name="new.jpg", title="New picture")
        self.site.upload(new)
        file = f"photos/{new.name}"
        check(self.local_files("photos") == [file], "The upload is not in the media folder.")
        self.check_shown(file, new.content)
        self.check_production()
        return (
            f'{file}, uploaded on the page, lies in the media folder, badge "uploads";'
            " production is unchanged."
        )

    def replacing_makes_a_copy_here(self) -> str:
        other = picture("Ruby", "waves", "PNG")
        before = self.shown(self.replaced).thumbnail
        old = self.site.load(before)
        self.site.replace(self.replaced, other)
        self.check_shown(self.replaced, other.content)
        check(self.site.load(self.shown(self.replaced).thumbnail) != old, "The thumbnail is old.")
        self.check_production()
        return (
            f"{self.replaced}, replaced on the page, keeps its name, is now the copy in the media"
            ' folder, badge "uploads"; production keeps its own.'
        )

    def changing_in_place_copies_up(self) -> str:
        with self.answered(lambda: self.storage.open(self.appended, "ab")) as file:
            file.write(b"changed")
        content = next(p.content for p in self.pictures if p.name == self.appended)
        self.check_shown(self.appended, content + b"changed")
        self.check_production()
        return f"{self.appended}, changed in place by 7 bytes, was copied here first, whole."

    def deleted_stays_deleted(self) -> str:
        self.site.delete(self.deleted)
        self.site.delete_in_admin(self.removed, dump.EDITOR)
        for name in (self.deleted, self.removed):
            check(name in self.production.snapshot(), f"{name} is gone from production.")
            check(not self.storage.exists(name), f"{name} still exists.")
            check(name not in self.listed(), f"{name} is still listed.")
            with caught(FileNotFoundError):
                self.storage.open(name)
            check(all(s.file != name for s in self.page()), f"{name} is still shown.")
        self.check_production()
        return (
            f"{self.deleted}, deleted on the page, and {self.removed}, deleted in the admin, stay"
            " gone here, though production has them as before."
        )

    def rich_text_shows_its_pictures(self) -> str:
        found = self.answered(self.pictures_of_post)
        gone = [url for url, content in found.items() if content == 404]
        expected = [f"/media/{name}" for name in (self.deleted, self.removed)]
        check(gone == expected, f"Of the post's pictures {gone} are gone.")
        last = self.pictures[len(found) - 1]
        check(found[f"/media/{last.name}"] == last.content, f"{last.name} is another picture.")
        self.check_production()
        return (
            f"A post has {len(found)} pictures in its text, by their addresses below /media/:"
            f" {len(found) - len(gone)} load, from here or from production; the {len(gone)}"
            " deleted ones are 404."
        )

    def pictures_of_post(self) -> dict[str, bytes | int]:
        """Load the post, which is whole if production answered for every picture."""
        found = self.site.post()
        if 503 in found.values():
            raise StorageUnavailable("A picture of the post is not known.")
        return found

    def lost_file_is_an_error(self) -> str:
        with caught(FileNotFoundError) as errors:
            self.answered(lambda: self.storage.open(dump.LOST))
        return f"A file that is in neither: {told(errors[0])}"

    def production_stops(self) -> str:
        self.site.switch("stop")
        check(not self.production.running, "The button did not stop production.")
        here, others = self.check_outage()
        new = picture("Teal", "city", "JPEG")._replace(name="outage.jpg", title="In an outage")
        self.site.upload(new)
        added = next(s for s in self.site.page() if s.file.startswith("photos/outage"))
        check(added.badge == "uploads", "The upload in the outage is not shown.")
        check(self.site.load(added.url) == new.content, "The upload does not read back.")
        return (
            f"Production stopped with the button: the page answers ({self.told_cost()}), the"
            f" {here} local pictures load, the other {others} say who cannot answer, and an upload"
            " works."
        )

    def error_says_who_could_not_answer(self) -> str:
        with bounded_by_its_deadline(), caught(StorageUnavailable) as errors:
            self.storage.open(self.kept)
        check("production" in str(errors[0]), f"It does not name production: {errors[0]}")
        return f"Opening a picture of production now, within its deadline: {told(errors[0])}"

    def production_is_silent(self) -> str:
        self.site.switch("start")
        check(self.shown(self.kept).badge == "production", "Production is not back.")
        self.production.freeze()
        try:
            with bounded_by_its_deadline(), caught(StorageUnavailable):
                self.storage.open(self.kept)
            here = self.check_outage()[0]
        finally:
            self.production.thaw()
        cost = self.told_cost()
        check(self.shown(self.kept).badge == "production", "Production is not back.")
        return (
            "Production started again, then frozen, so that it accepts connections and never"
            f" answers: opening a picture ends at its deadline, the page still answers ({cost}),"
            f" {here} pictures load. Thawed, it is used again {self.seconds:.1f} s later."
        )

    def production_is_unchanged(self) -> str:
        check(self.shown(self.kept).badge == "production", "Production is not back.")
        self.check_production()
        total = megabytes(sum(stored.size for stored in self.before.values()))
        return (
            f"After all that production has the same {len(self.before)} files, byte for byte"
            f" ({total} compared), none newer."
        )

    def told_cost(self) -> str:
        return f"production was asked {self.asked} x, {self.seconds:.1f} s"


def told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
