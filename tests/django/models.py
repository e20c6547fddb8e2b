"""Models with files in the default storage."""

from __future__ import annotations

from django.db import models


class Document(models.Model):
    """A file; its name, folder and all, has 40 characters at most."""

    title = models.CharField(max_length=100, default="", blank=True)
    file = models.FileField(upload_to="documents", max_length=40, blank=True)

    def __str__(self) -> str:
        return self.title


class Picture(models.Model):
    """An image that keeps its dimensions in columns."""

    image = models.ImageField(upload_to="pictures", width_field="width", height_field="height")
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)

    def __str__(self) -> str:
        return str(self.image)
