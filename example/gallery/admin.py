"""Uploading, replacing and deleting pictures."""

from __future__ import annotations

from django.contrib import admin

from example.gallery.models import Photo, Post


@admin.register(Photo)
class PhotoAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for type checkers only
    list_display = ("title", "image", "created")
    search_fields = ("title",)


@admin.register(Post)
class PostAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    pass
