"""The pictures of one page, each with the backend that serves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from example.gallery import thumbnails
from example.gallery.models import Photo
from fallback_storage.errors import StorageUnavailable
from fallback_storage.storage import OverlayStorage


@dataclass(frozen=True)
class Card:
    """A picture on the page. Without an address there is a problem to read instead."""

    photo: Photo
    badge: str
    url: str = ""
    thumbnail: str = ""
    problem: str = ""


def card(photo: Photo) -> Card:
    """Return a picture's card. One that cannot be shown does not take the page down."""
    try:
        backend = cast(OverlayStorage, photo.image.storage).locate(str(photo.image.name))
        if backend is None:
            return Card(photo, "missing", problem="No backend has this file.")
        return Card(photo, backend, photo.image.url, thumbnails.url(photo.image))
    except StorageUnavailable as error:
        return Card(photo, "unavailable", problem=str(error))
    except Exception as error:  # whatever a backend's own library raises, less its words
        return Card(photo, "unavailable", problem=f"{type(error).__name__}.")
