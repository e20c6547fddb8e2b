"""The pictures of one page, each with the backend that serves it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from django.core.files.storage import storages

from example.gallery import thumbnails
from example.gallery.models import Photo
from fallback_storage.errors import StorageUnavailable
from fallback_storage.storage import OverlayStorage

#: Seconds that a page waits for a production that gives no answer before it stops asking.
PATIENCE = 0.5


@dataclass(frozen=True)
class Card:
    """A picture on the page. Without an address there is a problem to read instead."""

    photo: Photo
    badge: str
    url: str = ""
    thumbnail: str = ""
    problem: str = ""


class Whereabouts:
    """Asks for one page where files are.

    A production that is silent, not merely gone, would cost a timeout per picture: once a page
    has waited in vain it asks the local disk alone.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waited = 0.0
        self._failures: dict[str, Exception] = {}

    def card(self, photo: Photo) -> Card:
        """Return a picture's card. One that cannot be shown does not take the page down."""
        try:
            backend = self._locate(photo)
            if backend is None:
                return Card(photo, "missing", problem="No backend has this file.")
            return Card(photo, backend, photo.image.url, thumbnails.url(photo.image))
        except StorageUnavailable as error:
            return Card(photo, "unavailable", problem=str(error))
        except Exception as error:  # whatever a backend's own library raises, less its words
            return Card(photo, "unavailable", problem=f"{type(error).__name__}.")

    def _locate(self, photo: Photo) -> str | None:
        name = str(photo.image.name)
        if self._waited > PATIENCE:
            return self._locate_here(name)
        begin = self._clock()
        try:
            return cast(OverlayStorage, photo.image.storage).locate(name)
        except StorageUnavailable as error:
            self._waited += self._clock() - begin
            self._failures |= error.failures
            raise

    def _locate_here(self, name: str) -> str:
        if storages["uploads"].exists(name):
            return "uploads"
        raise StorageUnavailable(operation="locate", name=name, failures=self._failures)
