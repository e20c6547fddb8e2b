"""What the checks find about the cache that remembers which backend holds a name."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from fallback_storage.checks.configured import Configured, Messages, of_each
from fallback_storage.conf import PresenceOptions, did_you_mean, parse_presence


@of_each
def unknown_cache(configured: Configured) -> Messages:
    options = _presence(configured)
    if options is not None and options.cache not in _caches():
        yield checks.Error(
            f"{configured.where}: presence is to be remembered in {options.cache!r}, which CACHES"
            " does not have.",
            hint=did_you_mean(options.cache, _caches()) or "Add it to CACHES.",
            id="fallback_storage.E006",
        )


@of_each
def unshared_cache(configured: Configured) -> Messages:
    options = _presence(configured)
    if options is None or (says := _unshared(options)) is None:
        return
    yield checks.Warning(
        f"{configured.where}: presence is to be remembered in {options.cache!r}, a cache {says}.",
        hint="Name a cache that all processes share, as Redis, Memcached or the database's.",
        id="fallback_storage.W010",
    )


def _unshared(options: PresenceOptions) -> str | None:
    with suppress(Exception):  # Whatever a module raises when imported.
        cls = import_string(_caches()[options.cache]["BACKEND"])
        if issubclass(cls, DummyCache):
            return "that keeps nothing"
        if issubclass(cls, LocMemCache):
            return (
                "that each process has for itself. What one changes others remember otherwise,"
                f" for up to {max(options.found, options.missing):g} s"
            )
    return None


def _presence(configured: Configured) -> PresenceOptions | None:
    with suppress(ImproperlyConfigured):  # That is a finding of its own.
        return parse_presence(configured.given.get("presence"), "presence")
    return None


def _caches() -> Mapping[str, Any]:
    found: object = settings.CACHES
    return found if isinstance(found, Mapping) else {}


ERRORS = (unknown_cache,)
WARNINGS = (unshared_cache,)
