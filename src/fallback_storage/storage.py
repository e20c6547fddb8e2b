"""Several Django storages used as one. Each class names its policies; the engine does the rest."""

from __future__ import annotations

from types import MappingProxyType

from fallback_storage.engine.combined import CombinedStorage

__all__ = ["FallbackStorage"]


class FallbackStorage(CombinedStorage):
    """Failover: use the first backend that works.

    ``backends`` is read from the setting ``FALLBACK_STORAGES`` if it is not given. Options:
    ``on_fault`` (``"failover"``: the next backend serves where one could not answer; ``"raise"``:
    its error is raised; ``"skip"``: as failover, and ``exists`` and ``listdir`` answer from those
    that could) and ``delete`` (``"first"``: from the first writable backend that succeeds;
    ``"all"``: from every writable one).
    """

    policies = MappingProxyType(
        {"on_fault": ("failover", "raise", "skip"), "delete": ("first", "all")}
    )
    raises_single_error = True
