"""From the configuration of a backend to its storage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import Storage, storages
from django.utils.module_loading import import_string

from fallback_storage.conf import BackendOptions, current_path, refuse_unknown
from fallback_storage.engine.backend import Backend

AnyBackend = TypeVar("AnyBackend", bound=Backend)


def build_backend(options: BackendOptions, kind: Callable[..., AnyBackend]) -> AnyBackend:
    """Build a backend with its storage; those of ``STORAGES`` are Django's own instances.

    Raises ``ImproperlyConfigured``, naming the place.
    """
    return kind(
        options.name,
        _storage(options),
        read_only=options.read_only,
        denied_is_missing=options.denied_is_missing,
    )


def _storage(options: BackendOptions) -> Storage:
    source = options.source
    if not isinstance(source, str):
        return source
    try:
        if options.is_alias:
            return storages[source]
        storage: Storage = import_storage(options)(**options.options)
    except (TypeError, KeyError) as error:
        # What a wrong option or a forgotten BACKEND comes out as.
        raise ImproperlyConfigured(
            f"{options.place}: {source} cannot be built from its options: {error}"
        ) from error
    return storage


def import_storage(options: BackendOptions) -> type[Storage]:
    """Import the class that a dotted path names."""
    path = current_path(str(options.source))
    if "." not in path:
        refuse_unknown([path], list(settings.STORAGES), options.place, "alias of STORAGES")
    try:
        cls: type[Storage] = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(
            f"{options.place}: cannot import {path!r}: {error}.{_way_out(path)}"
        ) from error
    return cls


def _way_out(path: str) -> str:
    if path.startswith("storages."):
        return " Is django-storages installed? pip install 'django-fallback-storage[s3]'"
    return ""
