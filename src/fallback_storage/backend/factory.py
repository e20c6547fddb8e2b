"""From the configuration of a backend to its storage."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import Storage, storages
from django.utils.module_loading import import_string

from fallback_storage.backend.backend import Backend
from fallback_storage.backend.guards import guard_of
from fallback_storage.conf import MOVED, BackendOptions, refuse_unknown

if TYPE_CHECKING:
    from fallback_storage.combined.base import CombinedStorage

AnyBackend = TypeVar("AnyBackend", bound=Backend)


def build_backend(
    options: BackendOptions, kind: Callable[..., AnyBackend], owner: type, *, alone: bool
) -> AnyBackend:
    """Build a backend with its storage; those of ``STORAGES`` are Django's own instances.

    ``owner`` is the class of the combined storage; ``alone`` whether it has no other backend.
    Raises ``ImproperlyConfigured``, naming the place.
    """
    storage = _storage(options)
    return kind(
        options.name,
        storage,
        read_only=options.read_only,
        denied_is_missing=options.denied_is_missing,
        guard=guard_of(options, storage, owner, alone=alone),
    )


def _storage(options: BackendOptions) -> Storage:
    source = options.source
    if not isinstance(source, str):
        return source
    build = partial(storages.__getitem__, source) if options.is_alias else _constructor(options)
    try:
        return build()
    except (TypeError, KeyError, ImproperlyConfigured) as error:
        # What a wrong option or a forgotten BACKEND comes out as.
        raise ImproperlyConfigured(
            f"{options.place}: {source} cannot be built from its options: {error}"
        ) from error


def _constructor(options: BackendOptions) -> Callable[[], Storage]:
    path = _current_path(str(options.source))
    if "." not in path:
        refuse_unknown([path], list(settings.STORAGES), options.place, "alias of STORAGES")
    try:
        cls: Callable[..., Storage] = import_string(path)
    except (ImportError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured(
            f"{options.place}: cannot import {path!r}: {error}.{_way_out(path)}"
        ) from error
    return partial(cls, **options.options)


def _current_path(dotted_path: str) -> str:
    """Return where the class at ``dotted_path`` is today, with a warning if it has moved."""
    if dotted_path not in MOVED:
        return dotted_path
    warnings.warn(f"{dotted_path} is now {MOVED[dotted_path]}.", UserWarning, stacklevel=2)
    return MOVED[dotted_path]


def _way_out(path: str) -> str:
    if path.startswith("storages."):
        return " Is django-storages installed? pip install 'django-fallback-storage[s3]'"
    return ""


# One lock for all, since a storage that is being built may need another: with a lock each, two
# threads could wait for one another. Reentrant for the same reason.
_lock = threading.RLock()
_being_built: list[CombinedStorage] = []


@contextmanager
def building(storage: CombinedStorage) -> Iterator[None]:
    """Keep others from building; raise ``ImproperlyConfigured`` if ``storage`` needs itself."""
    with _lock:
        _refuse_circle(storage)
        _being_built.append(storage)
        try:
            yield
        finally:
            _being_built.pop()


def _refuse_circle(storage: CombinedStorage) -> None:
    """Raise if ``storage`` is being built already, itself or one configured alike."""
    for position, outer in enumerate(_being_built):
        if outer is storage or (type(outer), outer.options) == (type(storage), storage.options):
            chain = " -> ".join(repr(s) for s in [*_being_built[position:], storage])
            raise ImproperlyConfigured(f"A storage must not contain itself: {chain}.")


def _renew_lock() -> None:
    """Whichever thread held it does not exist in a forked child."""
    global _lock
    _lock = threading.RLock()
    _being_built.clear()


os.register_at_fork(after_in_child=_renew_lock)
