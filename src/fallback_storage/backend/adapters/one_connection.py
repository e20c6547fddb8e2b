"""What storages with a single connection share: it serves one thread at a time."""

from __future__ import annotations

import posixpath
import secrets
from typing import Any

from django.core.files.base import File

from fallback_storage.backend.adapters.base import Adapter
from fallback_storage.names import TEMPORARY

# In the storage itself: it is to live as long.
_CURRENT = "_fallback_storage_current"


class OneConnection(Adapter):
    """One connection, which its storage opens anew when it has none.

    A call that was given up keeps the storage to itself, for it may be about to connect or to go
    on: those after it get a copy.
    """

    one_connection = True
    spare_threads = 7

    @property
    def current(self) -> Any:
        """The storage, or the copy that has taken its place."""
        return vars(self.storage).get(_CURRENT, self.storage)

    @property
    def connected(self) -> Any:
        """The same, for a call that needs the connection."""
        return self.current

    def give_up(self) -> None:
        given_up = self.current
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
