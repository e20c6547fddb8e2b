"""The combined storage that a command is about."""

from __future__ import annotations

from typing import cast

from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.core.management.base import CommandError

from fallback_storage.combined.base import CombinedStorage
from fallback_storage.conf import refuse_unknown
from fallback_storage.status import combined_storages


def combined_storage(alias: str) -> CombinedStorage:
    """Return a combined storage of ``STORAGES``, built; a ``CommandError`` names what is wrong."""
    known = combined_storages()
    if not known:
        raise CommandError("STORAGES has no combined storage.", returncode=2)
    try:
        refuse_unknown([alias], known, "STORAGES", "combined storage")
    except ImproperlyConfigured as error:
        raise CommandError(str(error), returncode=2) from error
    try:
        storage = cast(CombinedStorage, storages[alias])
        storage.backends  # noqa: B018 - it is built on first use.
    except Exception as error:  # Whatever a storage raises when built.
        raise CommandError(
            f"{alias!r} cannot be built: {type(error).__name__}. manage.py check may tell why."
        ) from error
    return storage
