"""A file that is opened when it is first touched."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO, Any

from django.core.files.base import File


class LazyFile(File):  # type: ignore[type-arg] # generic in the stubs alone
    """Opens the real file at the first read, write, seek, ``size`` or ``closed``, as Azure's does.

    An error of the opener is raised at that touch, and again at the next.
    """

    def __init__(self, opener: Callable[[], IO[Any]], name: str, mode: str = "rb") -> None:
        self._opener = opener
        self._opened: IO[Any] | None = None
        self.name = name
        self.mode = mode

    @property
    def file(self) -> IO[Any]:  # type: ignore[override]
        """The real file."""
        if self._opened is None:
            self._opened = self._opener()
        return self._opened

    def close(self) -> None:
        """Close the real file if it was opened."""
        # Closing is no reason to open what nobody read; it is closed all the same.
        if self._opened is None:
            self._opened = io.BytesIO()
        self._opened.close()
