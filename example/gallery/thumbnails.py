"""Thumbnails, through the storage of the pictures: made once, and kept on the local disk."""

from __future__ import annotations

from django.db.models.fields.files import FieldFile
from sorl.thumbnail import delete, get_thumbnail

from fallback_storage.errors import StorageUnavailable

GEOMETRY = "480x360"


def url(image: FieldFile) -> str:
    """Return the thumbnail's address; the picture's own where no thumbnail can be made."""
    try:
        thumbnail = get_thumbnail(image, GEOMETRY, crop="center", quality=85)
    except StorageUnavailable:  # production may hold a thumbnail of that name: not to be guessed
        return str(image.url)
    return str(image.url if thumbnail.size is None else thumbnail.url)


def forget(image: FieldFile) -> None:
    """Delete the thumbnails of a picture."""
    delete(image, delete_file=False)
