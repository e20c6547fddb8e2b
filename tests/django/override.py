"""``override_settings(STORAGES=...)`` that means the same on every Django."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import django
from django.core.files.storage import storages
from django.test import override_settings


def override_storages(aliases: Mapping[str, Any], **others: Any) -> override_settings:
    """Override ``STORAGES``, and other settings with it."""
    # Copied: Django 4.2 adds what it misses to what it is given.
    return _OverrideStorages(STORAGES=dict(aliases), **others)


class _OverrideStorages(override_settings):
    def enable(self) -> None:
        super().enable()
        if django.VERSION < (5, 1):
            # Where it is overridden, 4.2 takes an alias for one of its older settings, which have
            # no OPTIONS. In a settings module it does not.
            vars(storages)["backends"] = dict(self.options["STORAGES"])
