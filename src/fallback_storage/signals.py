"""What happened, for logs, metrics and users.

Receivers get names and types only, never an error itself: its text can hold credentials.
They are called with ``send_robust``, so that an observer cannot break a read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from django.dispatch import Signal

from fallback_storage.errors import BreakerOpen

if TYPE_CHECKING:
    from django.core.files.storage import Storage

__all__ = ["backend_failed", "breaker_changed", "fallback_used"]

logger: logging.Logger = logging.getLogger("fallback_storage")

#: A backend could not answer. Sent with ``storage``, ``backend`` (its name), ``operation``,
#: ``name``, ``outcome`` and ``error_type``; the sender is the class of the storage.
backend_failed: Signal = Signal()

#: Another than the first backend served. Sent with ``storage``, ``backend`` (its name),
#: ``operation``, ``name`` and ``passed`` (name of each backend asked before: its outcome).
fallback_used: Signal = Signal()

#: A breaker opened, closed or lets a probe pass. Sent with ``backend`` (its name), ``old`` and
#: ``new`` ("closed", "open", "half-open") and ``error_type`` (the last fault's, or ``None``); the
#: sender is the class of the backend's storage.
breaker_changed: Signal = Signal()

_BREAKER_LEVELS = {"open": logging.WARNING, "closed": logging.INFO, "half-open": logging.DEBUG}


def report_failure(
    storage: Storage, backend: str, operation: str, name: str, outcome: str, error: Exception
) -> None:
    """Tell that ``backend`` could not answer."""
    error_type = type(error).__name__
    # One that is not even asked was reported when its breaker opened.
    logger.log(
        logging.DEBUG if isinstance(error, BreakerOpen) else logging.WARNING,
        "%s: %s could not answer %s(%r): %s, %s",
        type(storage).__name__,
        backend,
        operation,
        name,
        outcome,
        error_type,
    )
    backend_failed.send_robust(
        sender=type(storage),
        storage=storage,
        backend=backend,
        operation=operation,
        name=name,
        outcome=outcome,
        error_type=error_type,
    )


def report_fallback(
    storage: Storage, backend: str, operation: str, name: str, passed: Mapping[str, str]
) -> None:
    """Tell that ``backend`` served after the backends in ``passed`` did not."""
    fallback_used.send_robust(
        sender=type(storage),
        storage=storage,
        backend=backend,
        operation=operation,
        name=name,
        passed=dict(passed),
    )


def report_breaker(
    sender: type, backend: str, last_error: Callable[[], str | None], old: str, new: str
) -> None:
    """Tell that the breaker of ``backend`` has another state."""
    error_type = last_error()
    logger.log(
        _BREAKER_LEVELS[new],
        "%s: the breaker is %s, it was %s (last fault: %s)",
        backend,
        new,
        old,
        error_type or "none",
    )
    breaker_changed.send_robust(
        sender=sender, backend=backend, old=str(old), new=str(new), error_type=error_type
    )
