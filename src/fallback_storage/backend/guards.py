"""The health of each backend, kept outside the storages: Django may build several of one.

It is per process. A backend that is an alias has one health wherever it is configured alike; any
other has its own in each combined storage, and a storage instance one for as long as it lives.
"""

from __future__ import annotations

import os
import threading
import weakref
from dataclasses import replace
from functools import partial

from django.core.files.storage import Storage

from fallback_storage.backend.adapters import Adapter
from fallback_storage.conf import BackendOptions, BreakerOptions, Generation
from fallback_storage.resilience.breaker import Breaker
from fallback_storage.resilience.deadline import Pool
from fallback_storage.resilience.guard import Health
from fallback_storage.signals import report_breaker

#: How many threads there are for a backend with a ``TIMEOUT`` that does not say.
THREADS = 8

# Reentrant: a storage may be collected, and its health forgotten, wherever this is held.
_lock = threading.RLock()
_kept: list[tuple[object, Health]] = []
_generation = 0


def guard_of(
    options: BackendOptions, adapter: Adapter, owner: type, *, alone: bool
) -> Health | None:
    """Return the health of a backend, ``None`` where nothing is to be bounded or counted.

    ``owner`` is the class of the combined storage; ``alone`` whether the backend is its only one.
    """
    breaker = _breaker_options(options, adapter, alone=alone)
    if breaker is None and options.timeout is None and options.threads is None:
        return None
    key = (_identity(options, adapter.storage, owner), options.timeout, options.threads, breaker)
    with _lock:
        _forget_older_settings()
        for known, health in tuple(_kept):  # One may be forgotten at any comparison.
            if known == key:
                return health
        health = _new(options, adapter, breaker)
        _kept.append((key, health))
    if not isinstance(options.source, str):
        weakref.finalize(adapter.storage, _forget, health).atexit = False
    return health


def _breaker_options(
    options: BackendOptions, adapter: Adapter, *, alone: bool
) -> BreakerOptions | None:
    """Return when the breaker opens: a remote backend has one unless it is the only backend."""
    if alone or options.breaker is False or (options.breaker is None and not adapter.is_remote):
        return None
    chosen = options.breaker or BreakerOptions()
    if options.timeout is None or chosen.slow_fault != BreakerOptions.slow_fault:
        return chosen
    return replace(chosen, slow_fault=None)  # The deadline bounds a fault, unless more was said.


def _identity(options: BackendOptions, storage: Storage, owner: type) -> object:
    if options.is_alias:
        return options.source
    if not isinstance(options.source, str):
        return id(storage)
    return owner, options.place, options.name, options.source, options.options


def _new(options: BackendOptions, adapter: Adapter, breaker: BreakerOptions | None) -> Health:
    name = options.name
    health = Health(name, pool=_pool(options, adapter), timeout=options.timeout)
    if breaker is not None:
        told = partial(report_breaker, type(adapter.storage), name, lambda: health.last_error)
        health.breaker = Breaker(breaker, on_change=told)
    return health


def _pool(options: BackendOptions, adapter: Adapter) -> Pool | None:
    if options.timeout is None and options.threads is None:
        return None
    threads = options.threads or (1 if adapter.one_connection else THREADS)
    return Pool(options.name, threads, spare=adapter.spare_threads)


def _forget(health: Health) -> None:
    with _lock:
        _kept[:] = [each for each in _kept if each[1] is not health]


def _forget_older_settings() -> None:
    global _generation
    if _generation != Generation.number:
        _generation = Generation.number
        _kept.clear()


def _renew_lock() -> None:
    """Whichever thread held it does not exist in a forked child."""
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)
