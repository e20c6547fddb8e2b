"""What the gallery shows."""

from __future__ import annotations

from functools import partial
from pathlib import PurePath
from typing import ClassVar

from django.core.files.base import File
from django.db import models, transaction
from django.db.models.fields.files import FieldFile
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone

from example.gallery import thumbnails


class Photo(models.Model):
    """A picture, wherever its file lies: the model knows nothing of backends."""

    title = models.CharField(max_length=100)
    image = models.ImageField(upload_to="photos/")
    created = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[models.Manager[Photo]] = models.Manager()

    class Meta:
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return self.title

    def replace(self, content: File[bytes]) -> None:
        """Put another file in the place of this one's, under its name if it is of its type."""
        name = PurePath(str(self.image.name)).with_suffix(PurePath(str(content.name)).suffix)
        _delete_file(self.image)
        self.image.save(name.name, content)


class Post(models.Model):
    """A text with pictures, whose addresses are written down in it, as an editor leaves it."""

    title = models.CharField(max_length=100)
    body = models.TextField(help_text="HTML")

    objects: ClassVar[models.Manager[Post]] = models.Manager()

    def __str__(self) -> str:
        return self.title


@receiver(post_delete, sender=Photo)
def delete_file(instance: Photo, **kwargs: object) -> None:
    """Delete the file of a row that was deleted, here or in the admin."""
    transaction.on_commit(partial(_delete_file, instance.image))


def _delete_file(image: FieldFile) -> None:
    thumbnails.forget(image)
    image.storage.delete(str(image.name))
