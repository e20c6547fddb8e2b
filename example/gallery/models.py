"""What the gallery shows."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


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
