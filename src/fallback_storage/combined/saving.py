"""The save that is under way, of which Django tells ``_save`` too little."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import Storage

from fallback_storage.backend.content import Content

_current: ContextVar[Saving | None] = ContextVar("fallback_storage_saving", default=None)


class Saving:
    """A save by one combined storage: the name it was given, and how long a name may be."""

    def __init__(self, owner: Storage, name: str, max_length: int | None) -> None:
        self.owner = owner
        self.name = name
        self.max_length = max_length
        #: The name that a backend's own ``get_available_name`` chose, if it has one.
        self.chosen: str | None = None
        #: Whether that is the name of a file which is to be overwritten.
        self.overwrites = False
        self._outer = _current.get()

    def begin(self) -> None:
        """Make it the one that is under way.

        Raises ``ImproperlyConfigured`` within a save of the same name: a backend saves where it is
        a backend of.
        """
        outer = self._outer
        if outer is not None and outer.owner is self.owner and outer.name == self.name:
            raise ImproperlyConfigured(
                f"save({self.name!r}): a backend of {self.owner!r} saves the file there again,"
                " instead of storing it. Its save() has to call that of its own base class."
            )
        _current.set(self)

    def end(self) -> None:
        """Make the one that was under way before it that again."""
        _current.set(self._outer)


def saving_of(owner: Storage) -> Saving | None:
    """Return the save of ``owner`` that this call is a part of."""
    current = _current.get()
    return current if current is not None and current.owner is owner else None


@contextmanager
def present(content: Any, name: str) -> Iterator[Any]:
    """Yield content that is known to be there: who asks for a name may delete the older file."""
    with Content(content) as whole:
        whole.look()
        yield whole.handle(name) if whole.is_spooled else content
