"""A picture, and what the applications make of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from imagekit.models import ImageSpecField
from imagekit.processors import ResizeToFill
from private_storage.fields import PrivateFileField


class Picture(models.Model):
    """A picture that somebody uploaded."""

    objects: ClassVar[models.Manager[Picture]] = models.Manager()
    title = models.CharField(max_length=100, default="")
    image = models.ImageField(upload_to="pictures")
    card = ImageSpecField(source="image", processors=[ResizeToFill(40, 30)], format="JPEG")

    def __str__(self) -> str:
        return self.title


class Contract(models.Model):
    """A file that is not for all."""

    objects: ClassVar[models.Manager[Contract]] = models.Manager()
    file = PrivateFileField(upload_to="contracts")

    def __str__(self) -> str:
        return str(self.file)
