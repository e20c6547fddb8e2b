from __future__ import annotations

from django.apps import AppConfig


class ArchiveConfig(AppConfig):
    """The models of these tests. Without migrations: their tables are made with the database."""

    name = "tests.django"
    label = "archive"
