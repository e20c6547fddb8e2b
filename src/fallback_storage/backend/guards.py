"""The guard of each backend, shared by all that use it: Django may build several storages of one.

It is per process. A backend that is an alias has one guard wherever it is configured alike, as has
an instance; any other has its own in each combined storage. A guard is held by those who use it.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace
from functools import partial

from django.core.files.storage import Storage

from fallback_storage.backend.adapters import Adapter
from fallback_storage.conf import BackendOptions, BreakerOptions, Generation
from fallback_storage.resilience.breaker import Breaker
from fallback_storage.resilience.bulkhead import Bulkhead
from fallback_storage.resilience.guard import Guard
from fallback_storage.signals import report_breaker

#: How many threads there are for a backend with a ``TIMEOUT`` that does not say.
THREADS = 8


@dataclass(frozen=True, eq=False)
class _Known:
    key: object
    guard: weakref.ref[Guard]


# Without a lock: a storage may be collected, and its guard with it, at any instruction. In Python
# 3.11 even while a tuple is made of a list, which crashes if the list gets shorter: so a dict, in
# whose copies that cannot happen.
_known: dict[_Known, None] = {}


def guard_of(
    options: BackendOptions, adapter: Adapter, owner: type, *, alone: bool
) -> Guard | None:
    """Return the guard of a backend, ``None`` where nothing is to be bounded or counted.

    ``owner`` is the class of the combined storage; ``alone`` whether the backend is its only one.
    """
    breaker = _breaker_options(options, adapter, alone=alone)
    if breaker is None and options.timeout is None and options.threads is None:
        return None
    identity = _identity(options, adapter.storage, owner)
    key = (Generation.number, identity, options.timeout, options.threads, breaker)
    return _find(key) or _add(key, _new(options, adapter, breaker), options, adapter.storage)


def _find(key: object) -> Guard | None:
    for known in _known.copy():
        if known.key == key and (guard := known.guard()) is not None:
            return guard
    return None


def _add(key: object, new: Guard, options: BackendOptions, storage: Storage) -> Guard:
    _known[_Known(key, weakref.ref(new, _forget))] = None
    guard = _find(key) or new  # Another thread may have added one before.
    if guard is new and (options.is_alias or not isinstance(options.source, str)):
        # A storage that outlives the combined ones holds it: others may be built around it.
        weakref.finalize(storage, _let_go, new).atexit = False
    return guard


def _let_go(guard: Guard) -> None:
    """Hold ``guard`` until this is called."""


def _forget(guard: weakref.ref[Guard]) -> None:
    for known in _known.copy():
        if known.guard is guard:
            _known.pop(known, None)


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


def _new(options: BackendOptions, adapter: Adapter, breaker: BreakerOptions | None) -> Guard:
    guard = Guard(options.name, bulkhead=_bulkhead(options, adapter), timeout=options.timeout)
    if breaker is not None:
        known = weakref.ref(guard)  # A guard must not hold itself: its threads go with it.
        told = partial(
            report_breaker,
            adapter.storage.__class__,
            options.name,
            lambda: getattr(known(), "last_error", None),
        )
        guard.breaker = Breaker(breaker, on_change=told)
    return guard


def _bulkhead(options: BackendOptions, adapter: Adapter) -> Bulkhead | None:
    if options.timeout is None and options.threads is None:
        return None
    threads = options.threads or (1 if adapter.one_connection else THREADS)
    return Bulkhead(options.name, threads, spare=adapter.spare_threads)
