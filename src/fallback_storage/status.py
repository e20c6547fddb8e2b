"""How the backends of the combined storages fare in this process.

Breakers and counts are per process: a process tells of what it has asked itself, and one that has
just begun of nothing. So ask the process that serves your site, or send a probe.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.core.files.storage import storages as handler
from django.utils.module_loading import import_string

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.base import CombinedStorage
from fallback_storage.conf import refuse_unknown
from fallback_storage.outcomes import Outcome, class_paths
from fallback_storage.resilience.breaker import Breaker, State
from fallback_storage.resilience.guard import Guard

__all__ = ["BackendStatus", "Probe", "StorageStatus", "status"]


@dataclass(frozen=True)
class Probe:
    """What one live question came to, and how many seconds that took."""

    outcome: str
    seconds: float
    error_type: str | None

    @property
    def is_healthy(self) -> bool:
        """Whether a read of a file that is not there would go on to the next backend."""
        return self.outcome in _HEALTHY


_HEALTHY = frozenset({Outcome.ANSWER, Outcome.MISSING, Outcome.UNSUPPORTED})


@dataclass(frozen=True)
class BackendStatus:
    """How one backend fares.

    ``mode`` is ``"writable"`` or ``"read-only"``; ``breaker`` ``"closed"``, ``"open"``,
    ``"half-open"``, or ``None`` without one; ``seconds_left`` is how long an open one refuses
    calls, ``None`` if it was forced open. ``calls``, ``faults`` and ``last_error``, the type of
    the last fault, are those of this process, ``None`` where nobody counts. ``stuck`` calls hold
    one of the backend's ``threads`` though their ``timeout``, in seconds, has passed.
    """

    name: str
    storage: str
    mode: str
    breaker: str | None
    seconds_left: float | None
    calls: int | None
    faults: int | None
    last_error: str | None
    stuck: int | None
    threads: int | None
    timeout: float | None
    probe: Probe | None

    @property
    def is_healthy(self) -> bool:
        """Whether its breaker is closed, and its probe, if one was sent, came back well."""
        return self.breaker in (None, State.CLOSED) and (
            self.probe is None or self.probe.is_healthy
        )


@dataclass(frozen=True)
class StorageStatus:
    """How a combined storage and its backends fare; ``error`` is what building it raised."""

    alias: str
    storage: str
    error: str | None
    backends: tuple[BackendStatus, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether it could be built, and all its backends are healthy."""
        return self.error is None and all(backend.is_healthy for backend in self.backends)


def status(
    probe: bool = False, storages: Iterable[str] | None = None
) -> tuple[StorageStatus, ...]:
    """Return how the combined storages of ``STORAGES`` fare in this process.

    ``probe`` asks each backend one live question, whatever its breaker says; that bounds it
    as any other call, and counts. ``storages`` are aliases, all combined storages without.
    Raises ``ImproperlyConfigured`` for an alias that is none, and for nothing else.
    """
    known = combined_storages()
    chosen = known if storages is None else dict.fromkeys(storages)
    refuse_unknown(chosen, known, "STORAGES", "combined storage")
    return tuple(_status(alias, known[alias], probe) for alias in chosen)


def combined_storages() -> Mapping[str, str]:
    """Return the combined storages of ``STORAGES``: alias -> dotted path.

    One whose class cannot be imported is among them: it may be one.
    """
    return {
        alias: path
        for alias, entry in handler.backends.items()
        if _may_be_combined(path := _dotted_path(entry))
    }


def _dotted_path(entry: Any) -> str:
    return str(entry.get("BACKEND", "")) if isinstance(entry, Mapping) else ""


def _may_be_combined(dotted_path: str) -> bool:
    try:
        cls = import_string(dotted_path)
    except Exception:  # Whatever a module raises when imported.
        return True
    return isinstance(cls, type) and issubclass(cls, CombinedStorage)


def built(alias: str) -> CombinedStorage:
    """Return a combined storage of ``STORAGES``; raise whatever it raises when it is built."""
    storage = cast(CombinedStorage, handler[alias])
    storage.backends  # noqa: B018 - they are built on first use.
    return storage


def _status(alias: str, dotted_path: str, probe: bool) -> StorageStatus:
    try:
        backends = built(alias).backends
    except Exception as error:  # Whatever a storage raises when built.
        return StorageStatus(alias, dotted_path, type(error).__name__, ())
    return StorageStatus(
        alias, dotted_path, None, tuple(_backend_status(backend, probe) for backend in backends)
    )


def _backend_status(backend: Backend, probe: bool) -> BackendStatus:
    probed = probe_backend(backend) if probe else None
    return BackendStatus(
        name=backend.name,
        storage=class_paths(backend.storage)[0],
        mode="read-only" if backend.read_only else "writable",
        **_breaker(backend.breaker),
        **_counts(backend.guard),
        probe=probed,
    )


def _breaker(breaker: Breaker | None) -> dict[str, Any]:
    state = None if breaker is None else breaker.state
    left = breaker.seconds_left if breaker is not None and state is State.OPEN else math.inf
    return {
        "breaker": None if state is None else str(state),
        "seconds_left": left if math.isfinite(left) else None,
    }


def _counts(guard: Guard | None) -> dict[str, Any]:
    bulkhead = None if guard is None else guard.bulkhead
    return {
        "calls": None if guard is None else guard.calls,
        "faults": None if guard is None else guard.faults,
        "last_error": None if guard is None else guard.last_error,
        "stuck": None if bulkhead is None else bulkhead.stuck,
        "threads": None if bulkhead is None else bulkhead.threads,
        "timeout": None if guard is None else guard.timeout,
    }


def probe_backend(backend: Backend, clock: Callable[[], float] = time.perf_counter) -> Probe:
    """Ask a backend one live question, whatever its breaker says."""
    started = clock()
    outcome, error_type = Outcome.ANSWER, None
    try:
        backend.probe()
    except Exception as error:
        outcome, error_type = backend.outcome_of(error), type(error).__name__
    return Probe(str(outcome), clock() - started, error_type)
