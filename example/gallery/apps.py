"""The gallery app."""

from __future__ import annotations

from typing import cast

from django.apps import AppConfig, apps

from example.production import Production


class GalleryConfig(AppConfig):
    name = "example.gallery"

    #: Production, where it was started together with this site and may be stopped from it.
    production: Production | None = None


def config() -> GalleryConfig:
    return cast(GalleryConfig, apps.get_app_config("gallery"))
