"""What happened, for logs, metrics and users.

Receivers get names and types only, never an error itself: its text can hold credentials.
They are called with ``send_robust``, so that an observer cannot break a read.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.dispatch import Signal

if TYPE_CHECKING:
    from django.core.files.storage import Storage

logger = logging.getLogger("fallback_storage")

#: A backend could not answer. Sent with ``storage``, ``backend`` (its name), ``operation``,
#: ``name``, ``outcome`` and ``error_type``; the sender is the class of the storage.
backend_failed = Signal()

#: Another than the first backend served. Sent with ``storage``, ``backend`` (its name),
#: ``operation``, ``name`` and ``passed`` (name of each backend asked before: its outcome).
fallback_used = Signal()


def report_failure(
    storage: Storage, backend: str, operation: str, name: str, outcome: str, error: Exception
) -> None:
    """Tell that ``backend`` could not answer."""
    error_type = type(error).__name__
    logger.warning(
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
