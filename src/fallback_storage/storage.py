"""Several Django storages used as one. Each class names its policies and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from fallback_storage.combined.base import CombinedStorage
from fallback_storage.conf import Entry, takes_options
from fallback_storage.overlay.storage import Overlay

__all__ = ["FallbackStorage", "OverlayStorage"]


class FallbackStorage(CombinedStorage):
    """Failover: use the first backend that works.

    - ``backends``: the storages, in the order in which they are asked; without them the setting
      ``FALLBACK_STORAGES`` lists them.
    - ``on_fault``: what a read does where a backend could not answer. ``"failover"``: ask the
      next. ``"raise"``: raise. ``"skip"``: ask the next, and let ``exists`` and ``listdir`` answer
      from the backends that could.
    - ``delete``: ``"first"`` deletes from the first writable backend that succeeds, ``"all"`` from
      every writable one.
    - ``promote``: ``True`` copies what is read to the first writable backend. A mapping does so
      for what its ``max_size`` (bytes), ``include`` and ``exclude`` (shell patterns) allow.
    - ``presence``: a mapping remembers which backend holds a name: in the ``cache`` of that alias,
      for ``found`` seconds, or for ``missing`` seconds if none holds it.
    """

    policies: ClassVar[Mapping[str, Sequence[str]]] = MappingProxyType(
        {"on_fault": ("failover", "raise", "skip"), "delete": ("first", "all")}
    )
    raises_single_error: ClassVar[bool] = True

    @takes_options
    def __init__(
        self,
        backends: Sequence[Entry] | None = None,
        *,
        on_fault: Literal["failover", "raise", "skip"] = "failover",
        delete: Literal["first", "all"] = "first",
        promote: bool | Mapping[str, Any] = False,
        presence: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            backends, on_fault=on_fault, delete=delete, promote=promote, presence=presence
        )


class OverlayStorage(Overlay):
    """Work on top of production: read its files, and never change them.

    Only the first of ``backends`` is ever written. A delete puts a whiteout over a lower file,
    and a change in place copies the file up first. A backend that could not answer raises, unless
    one before it has the file. ``promote`` and ``presence`` are those of ``FallbackStorage``.
    """

    policies: ClassVar[Mapping[str, Sequence[str]]] = MappingProxyType(
        {"on_fault": ("raise",), "delete": ("whiteout",)}
    )

    @takes_options
    def __init__(
        self,
        backends: Sequence[Entry] | None = None,
        *,
        promote: bool | Mapping[str, Any] = False,
        presence: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(backends, promote=promote, presence=presence)
