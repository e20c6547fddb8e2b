"""The combined storages that a command is about."""

from __future__ import annotations

from collections.abc import Collection

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from fallback_storage.combined.base import CombinedStorage
from fallback_storage.conf import refuse_unknown
from fallback_storage.status import built, combined_storages


def combined_storage(alias: str) -> CombinedStorage:
    """Return a combined storage of ``STORAGES``, built; a ``CommandError`` names what is wrong."""
    known = combined_storages()
    if not known:
        raise CommandError("STORAGES has no combined storage.", returncode=2)
    refuse_unknown_aliases([alias], known)
    try:
        return built(alias)
    except Exception as error:  # Whatever a storage raises when built.
        raise CommandError(
            f"{alias!r} cannot be built: {type(error).__name__}. manage.py check may tell why."
        ) from error


def refuse_unknown_aliases(aliases: Collection[str], known: Collection[str]) -> None:
    """Raise a ``CommandError`` for an alias that is no combined storage of ``STORAGES``."""
    try:
        refuse_unknown(aliases, known, "STORAGES", "combined storage")
    except ImproperlyConfigured as error:
        raise CommandError(str(error), returncode=2) from error
