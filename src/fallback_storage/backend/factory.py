"""From the configuration of a backend to its storage."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import Storage, storages
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from fallback_storage.backend.adapters import Adapter, LateStorage, adapter_class, adapter_for
from fallback_storage.backend.backend import Backend
from fallback_storage.backend.guards import guard_of
from fallback_storage.conf import (
    MOVED,
    BackendOptions,
    StorageOptions,
    refuse_unknown,
)
from fallback_storage.errors import StorageUnavailable
from fallback_storage.locks import KeyedLock
from fallback_storage.outcomes import Outcome, classify, is_of_an_outage


def build_backends(options: Sequence[BackendOptions], owner: type) -> tuple[Backend, ...]:
    """Build backends with their storages; those of ``STORAGES`` are Django's own instances.

    ``owner`` is the class of the combined storage. Raises ``ImproperlyConfigured``, naming the
    place.
    """
    adapters = [adapter_for(_storage(each)) for each in options]
    for each, adapter in zip(options, adapters, strict=True):
        adapter.conditional_writes = each.conditional_writes
    alone = len(adapters) == 1
    guards = [
        guard_of(each, adapter, owner, alone=alone)
        for each, adapter in zip(options, adapters, strict=True)
    ]
    return tuple(
        Backend(
            each.name,
            adapter,
            read_only=each.read_only,
            denied_is_missing=each.denied_is_missing,
            guard=guard,
            peers=guards,
        )
        for each, adapter, guard in zip(options, adapters, guards, strict=True)
    )


@sensitive_variables()
def _storage(options: BackendOptions) -> Any:
    """Return the storage of a backend, built at once if its class is known to ask nobody then."""
    source = options.source
    if not isinstance(source, str):
        return source
    build, declared = partial(_build, options), _declared(options)
    if declared is None:
        return build()
    cls, given = declared
    adapter = adapter_class(cls)
    connects = adapter is Adapter or adapter.connects_when_built
    if connects and not hasattr(cls, "__getattr__"):
        _refuse_wrong_arguments(options, cls, given)
        return _late(options, cls, build)
    try:
        return build()
    except ImproperlyConfigured:
        raise
    except Exception as error:
        if classify(error) is Outcome.REJECTED:
            raise
        return _late(options, cls, build)  # One that asks its server all the same.


@sensitive_variables()
def _refuse_wrong_arguments(options: BackendOptions, cls: type, given: Mapping[str, Any]) -> None:
    problem: TypeError | None = None
    with suppress(ValueError):  # A class that is not written in Python has no signature.
        try:
            inspect.signature(cls).bind(**given)
        except TypeError as error:
            problem = error.with_traceback(None)  # Its frames hold what was given.
    if problem is not None:
        raise _mistake(options, problem)


# Of each alias one, as long as the settings stay: Django has one storage of each too.
_late_storages: dict[str, LateStorage] = {}


@receiver(setting_changed)
def _forget(**keywords: object) -> None:
    _late_storages.clear()


def _late(options: BackendOptions, cls: type, build: Callable[[], Storage]) -> LateStorage:
    storage = LateStorage(cls, build, str(options.source))
    return _late_storages.setdefault(storage.source, storage) if options.is_alias else storage


@sensitive_variables()
def _declared(options: BackendOptions) -> tuple[type, Mapping[str, Any]] | None:
    """Return the class of a storage, and what it is given; ``None`` where that is not plain."""
    path = str(options.source)
    entry: Any = {"BACKEND": MOVED.get(path, path), "OPTIONS": options.options}
    with suppress(Exception):  # Whatever a module raises: it is raised again when it is built.
        if options.is_alias:
            entry = storages.backends[path]
        cls = import_string(entry["BACKEND"])
        return (cls, dict(entry.get("OPTIONS", {}))) if isinstance(cls, type) else None
    return None


@sensitive_variables()
def _build(options: BackendOptions) -> Storage:
    source = str(options.source)
    build = partial(storages.__getitem__, source) if options.is_alias else _constructor(options)
    outer = sys.exception()
    try:
        return build()
    except (TypeError, KeyError, ImproperlyConfigured) as error:
        if is_of_an_outage(error, outer):  # Swift's takes that for a mistake in the settings.
            reason = f"{source} could not be built: {type(error).__name__}."
            raise StorageUnavailable(reason) from error
        raise _mistake(options, error) from error


def _mistake(options: BackendOptions, error: Exception) -> ImproperlyConfigured:
    # What a wrong option or a forgotten BACKEND comes out as.
    return ImproperlyConfigured(
        f"{options.place}: {options.source} cannot be built from its options: {error}"
    )


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


class Composite(Protocol):
    """A storage that is built of others."""

    options: StorageOptions


# One key for all, since a storage that is being built may need another: with a key each, two calls
# could wait for one another.
_lock = KeyedLock()
_ALL = (0, "storages")
# By call, since a forked child does not build what its parent does.
_being_built: ContextVar[tuple[Composite, ...]] = ContextVar(
    "fallback_storage_being_built", default=()
)


@contextmanager
def building(storage: Composite) -> Iterator[None]:
    """Keep others from building; raise ``ImproperlyConfigured`` if ``storage`` needs itself."""
    with _lock.held(_ALL):
        outer = _being_built.get()
        _refuse_circle(storage, outer)
        try:
            _being_built.set((*outer, storage))
            yield
        finally:
            _being_built.set(outer)


def _refuse_circle(storage: Composite, outer: tuple[Composite, ...]) -> None:
    """Raise if ``storage`` is being built already, itself or one configured alike."""
    for position, other in enumerate(outer):
        if other is storage or (type(other), other.options) == (type(storage), storage.options):
            chain = " -> ".join(repr(s) for s in [*outer[position:], storage])
            raise ImproperlyConfigured(f"A storage must not contain itself: {chain}.")
