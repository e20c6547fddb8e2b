"""What a combined storage over one kind of backend promises, found out by trying.

`test_promises.py` compares what is found with the table in `docs/backends.md`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage

from fallback_storage.errors import ReadOnlyStorageError, UnsupportedOperation
from fallback_storage.storage import FallbackStorage, OverlayStorage

from .files import put, read

NAME = "d/a.txt"
OLD, NEW = b"old" * 100_000, b"new" * 100_001


@dataclass
class Place:
    """An empty place of one kind, and production's files on a disk."""

    #: Makes a storage over the place, with a client of its own.
    storage: Callable[[], Storage]
    #: Puts a file there, whatever the storage can.
    put: Callable[[str, bytes], object]
    below: FileSystemStorage
    #: The same, whose saves replace; ``None`` where its class has no such option.
    overwriting: Callable[[], Storage] | None = None
    is_read_only: bool = False
    #: Whether several processes can share it.
    is_shared: bool = True

    def combined(self) -> FallbackStorage:
        return FallbackStorage([{"BACKEND": self.storage(), "READ_ONLY": self.is_read_only}])

    def of_another_process(self) -> FallbackStorage:
        if not self.is_shared:
            raise UnsupportedOperation
        return self.combined()

    def overlay(self, **options: Any) -> OverlayStorage:
        upper = {"BACKEND": self.storage(), "READ_ONLY": self.is_read_only}
        return OverlayStorage([upper, self.below], **options)


class Meanwhile(io.BytesIO):
    """Content in the midst of which something is done, once; at once where all is read."""

    def __init__(self, content: bytes, do: Callable[[], object]) -> None:
        super().__init__(content)
        self._do: Callable[[], object] | None = do

    def read(self, size: int | None = -1, /) -> bytes:
        takes_all = size is None or not 0 <= size < self.getbuffer().nbytes
        if self._do is not None and (self.tell() > 0 or takes_all):
            do, self._do = self._do, None
            do()
        return super().read(size)


class BrokenOff(Exception):
    """The content cannot be read any further."""


def _break_off() -> None:
    raise BrokenOff


def _left(place: Place) -> list[str]:
    """Return the names that lie there, hidden ones and all."""
    try:
        names = place.storage().listdir("d")[1]
    except FileNotFoundError:
        return []
    return [name.rpartition("/")[2] for name in names]  # Azure's own are whole ones.


def missing_is_missing(place: Place) -> bool:
    storage = place.combined()
    for question in (storage.open, storage.size):
        try:
            question(NAME)
        except FileNotFoundError:
            continue
        return False
    return not storage.exists(NAME)


def a_read_mode_refuses_write(place: Place) -> bool:
    place.put(NAME, OLD)
    with (
        place.combined().open(NAME) as file,
        suppress(io.UnsupportedOperation, AttributeError),
    ):
        file.write(NEW)
        return False
    return bool(read(place.combined(), NAME) == OLD)


def a_closed_file_reopens_as_it_is_now(place: Place) -> bool:
    place.put(NAME, OLD)
    file = place.combined().open(NAME)
    file.close()
    place.put(NAME, NEW)
    with file.open("rb") as reopened:
        return bool(reopened.read() == NEW)


def a_folder_lists_its_own_level(place: Place) -> bool:
    place.put("d/e/b.txt", OLD)
    place.put(NAME, OLD)
    directories, files = place.combined().listdir("d")
    return (list(directories), list(files)) == (["e"], ["a.txt"])


def a_name_taken_during_an_upload_stays_whose_it_is(place: Place) -> bool:
    other = place.of_another_process()
    taken = Meanwhile(NEW, lambda: put(other, NAME, OLD))
    stored = place.combined().save(NAME, File(taken))
    contents = [read(place.combined(), name) for name in (NAME, stored)]
    return stored != NAME and contents == [OLD, NEW]


def nobody_reads_half_a_file(place: Place) -> bool:
    seen: list[object] = []

    def look() -> None:
        with suppress(FileNotFoundError):
            seen.append(read(place.combined(), NAME))

    place.combined().save(NAME, File(Meanwhile(NEW, look)))
    return seen == [] and read(place.combined(), NAME) == NEW


def a_save_that_breaks_off_leaves_nothing(place: Place) -> bool:
    storage = place.combined()
    with suppress(BrokenOff):
        storage.save(NAME, File(Meanwhile(NEW, _break_off)))
    return _left(place) == []


def a_replacement_that_breaks_off_leaves_the_older_file(place: Place) -> bool:
    if place.overwriting is None:
        raise UnsupportedOperation
    place.put(NAME, OLD)
    with suppress(BrokenOff):
        FallbackStorage([place.overwriting()]).save(NAME, File(Meanwhile(NEW, _break_off)))
    return read(place.combined(), NAME) == OLD and _left(place) == ["a.txt"]


def a_copy_up_replaces_nothing(place: Place) -> bool:
    if place.is_read_only:
        raise UnsupportedOperation
    put(place.below, NAME, OLD)
    other, overlay = place.of_another_process(), place.overlay(promote=True)
    create = overlay.backends[0].create

    def create_meanwhile(name: str, content: File[bytes], skip_if: Any) -> str | None:
        copied = Meanwhile(content.read(), lambda: put(other, NAME, NEW))
        return create(name, File(copied), skip_if)

    overlay.backends[0].create = create_meanwhile
    read(overlay, NAME)
    return read(place.combined(), NAME) == NEW and _left(place) == ["a.txt"]


def what_is_deleted_stays_deleted(place: Place) -> bool:
    put(place.below, NAME, OLD)
    place.overlay().delete(NAME)
    gone = not place.overlay().exists(NAME) and [*place.overlay().listdir("d")[1]] == []
    put(place.overlay(), NAME, NEW)
    contents = (read(place.overlay(), NAME), read(place.below, NAME))
    return gone and contents == (NEW, OLD)


def a_file_from_below_is_changed_in_place(place: Place) -> bool:
    put(place.below, NAME, OLD)
    with place.overlay().open(NAME, "ab") as file:
        file.write(NEW)
    return (read(place.overlay(), NAME), read(place.below, NAME)) == (OLD + NEW, OLD)


#: In the table: what the backend has no way to do, or what cannot happen to it.
NOT_AT_ALL = "-"
Promise = Callable[[Place], bool]
PROMISES: dict[str, Promise] = {
    "a missing file is missing": missing_is_missing,
    "a read mode refuses `write`": a_read_mode_refuses_write,
    "a closed file reopens as it is now": a_closed_file_reopens_as_it_is_now,
    "a folder lists its own level": a_folder_lists_its_own_level,
    "a name taken during an upload stays whose it is": (
        a_name_taken_during_an_upload_stays_whose_it_is
    ),
    "nobody reads half a file": nobody_reads_half_a_file,
    "a save that breaks off leaves nothing": a_save_that_breaks_off_leaves_nothing,
    "a replacement that breaks off leaves the older file": (
        a_replacement_that_breaks_off_leaves_the_older_file
    ),
    "a copy-up or promotion replaces nothing": a_copy_up_replaces_nothing,
    "in an overlay, what is deleted stays deleted": what_is_deleted_stays_deleted,
    "in an overlay, a file from below is changed in place": a_file_from_below_is_changed_in_place,
}


def kept(promise: Promise, place: Place) -> str:
    """Return what stands in the table."""
    try:
        return "yes" if promise(place) else "**no**"
    except (ReadOnlyStorageError, UnsupportedOperation):
        return NOT_AT_ALL
