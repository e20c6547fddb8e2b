"""Several Django storages used as one. Each class names its policies and no more."""

from __future__ import annotations

from types import MappingProxyType

from fallback_storage.combined.base import CombinedStorage
from fallback_storage.overlay.storage import Overlay

__all__ = ["FallbackStorage", "OverlayStorage"]


class FallbackStorage(CombinedStorage):
    """Failover: use the first backend that works.

    ``backends`` is read from the setting ``FALLBACK_STORAGES`` if it is not given. Options:
    ``on_fault`` (``"failover"``: the next backend serves where one could not answer; ``"raise"``:
    its error is raised; ``"skip"``: as failover, and ``exists`` and ``listdir`` answer from those
    that could), ``delete`` (``"first"``: from the first writable backend that succeeds; ``"all"``:
    from every writable one) and ``promote`` (``True``, or a mapping with ``max_size`` in bytes,
    ``include`` and ``exclude``: what is read is copied to the first writable backend).
    """

    policies = MappingProxyType(
        {"on_fault": ("failover", "raise", "skip"), "delete": ("first", "all")}
    )
    raises_single_error = True


class OverlayStorage(Overlay):
    """Work on top of production: its files are there, and cannot be changed.

    Only the first of ``backends`` is ever written; what is deleted is hidden there by a whiteout,
    and what is changed is copied up first. A backend that could not answer raises, unless one
    before it has the file. Option: ``promote``, as for ``FallbackStorage``.
    """

    policies = MappingProxyType({"on_fault": ("raise",), "delete": ("whiteout",)})
