"""What storages with a single connection share: it serves one thread at a time."""

from __future__ import annotations

import posixpath
import secrets
from typing import Any
from weakref import WeakKeyDictionary

from django.core.files.base import File

from fallback_storage.backend.adapters.base import Adapter
from fallback_storage.names import TEMPORARY
from fallback_storage.resilience.call import current_call

# In the storage itself: it is to live as long.
_CURRENT = "_fallback_storage_current"


class OneConnection(Adapter):
    """One connection, which its storage opens anew when it has none.

    A call that was given up keeps the storage to itself, for it may be about to connect or to go
    on: those after it get a copy.
    """

    one_connection = True
    spare_threads = 7

    def __init__(self, storage: Any, base: type | None = None) -> None:
        super().__init__(storage, base)
        self._kept: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    @property
    def current(self) -> Any:
        """The storage that this call began with: it, or the copy that has taken its place."""
        call = current_call()
        if call is None:
            return self._shared
        if call not in self._kept:
            shared = self._shared
            # Given up before it came so far: then what it finds is the next one's. In this order.
            self._kept[call] = self.unconnected(shared) if call.is_stuck else shared
        return self._kept[call]

    @property
    def _shared(self) -> Any:
        return vars(self.storage).get(_CURRENT, self.storage)

    @property
    def connected(self) -> Any:
        """The same, for a call that needs the connection."""
        return self.current

    def give_up(self) -> None:
        given_up = self._shared
        vars(self.storage)[_CURRENT] = self.unconnected(given_up)
        self.wake(given_up)

    def unconnected(self, storage: Any) -> Any:
        """Return a copy that will connect by itself."""
        raise NotImplementedError

    def wake(self, storage: Any) -> None:
        """End the connection under whoever waits for it."""
        raise NotImplementedError

    def refuses_mode(self, mode: str) -> bool:
        return "w" not in mode

    def _save(self, name: str, content: File[Any]) -> Any:
        return self.connected._save(name, content)

    def temporary(self, name: str) -> str:
        """Return a name beside ``name`` that nobody else has, and that no listing shows."""
        directory, _, _ = name.rpartition("/")
        return posixpath.join(directory, f"{TEMPORARY}new-{secrets.token_hex(8)}")

    def exists(self, name: str) -> Any:
        return self.connected.exists(name)

    def listdir(self, path: str) -> Any:
        return self.connected.listdir(path)

    def size(self, name: str) -> Any:
        return self.connected.size(name)

    def get_accessed_time(self, name: str) -> Any:
        return self.connected.get_accessed_time(name)

    def get_created_time(self, name: str) -> Any:
        return self.connected.get_created_time(name)

    def get_modified_time(self, name: str) -> Any:
        return self.connected.get_modified_time(name)
