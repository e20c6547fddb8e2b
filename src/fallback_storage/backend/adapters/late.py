"""A storage that is built when it is first asked."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from fallback_storage.errors import StorageUnavailable
from fallback_storage.locks import KeyedLock
from fallback_storage.outcomes import Outcome, classify

_building = KeyedLock()


class LateStorage:
    """Stands for a storage whose constructor may ask its server, which may be down or slow.

    It is built within the first call of it, so that the deadline and the breaker of its backend
    hold for that too, and again at each call until it could be built. ``build`` raises
    ``ImproperlyConfigured`` for a mistake in the settings.
    """

    def __init__(self, cls: type, build: Callable[[], Any], source: str) -> None:
        self._class = cls
        self._build = build
        self.source = source
        self._storage: Any = None

    @property
    def __class__(self) -> type:
        """What it will be, for all who look at the class of a storage."""
        return self._class

    @__class__.setter
    def __class__(self, value: type) -> None:
        raise TypeError("The class of a storage is not to be changed.")

    @property
    def is_built(self) -> bool:
        return self._storage is not None

    def has_method(self, name: str) -> bool:
        """Return whether its class has a method; to find that out it is not built."""
        return callable(getattr(self._class, name, None))

    def built(self) -> Any:
        """Return the storage; ``StorageUnavailable`` where it cannot be built now."""
        if self._storage is None:
            with _building.held((id(self), "built")):
                if self._storage is None:
                    self._storage = self._build_now()
        return self._storage

    def _build_now(self) -> Any:
        try:
            return self._build()
        except Exception as error:
            if isinstance(error, StorageUnavailable) or classify(error) is Outcome.REJECTED:
                raise
            # A key file that is missing would read as a file that is missing.
            reason = f"{self.source} could not be built: {type(error).__name__}."
            raise StorageUnavailable(reason) from error

    def __getattr__(self, name: str) -> Any:
        """Return a method that builds the storage first, or what the built one has."""
        if name.startswith("__") or "_class" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no {name}.")
        method = getattr(self._class, name, None)
        if callable(method):
            return self._method(method, name)
        try:
            return getattr(self.built(), name)
        except StorageUnavailable as error:
            raise AttributeError(f"{self.source} could not be asked for {name}.") from error

    def _method(self, method: Callable[..., Any], name: str) -> Callable[..., Any]:
        # Wrapped as a bound method, for the sake of its signature.
        @functools.wraps(types.MethodType(method, self))
        def call(*args: Any, **keywords: Any) -> Any:
            return getattr(self.built(), name)(*args, **keywords)

        return call
