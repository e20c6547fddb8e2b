"""A file that is opened when it is first touched."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

from django.core.files.base import File

if TYPE_CHECKING:
    _File = File[Any]
else:  # Generic in the stubs alone.
    _File = File


class LazyFile(_File):
    """Opens the real file at the first read, write, seek, ``size`` or ``closed``, as Azure's does.

    An error of the opener is raised at that touch, and again at the next.
    """

    def __init__(self, opener: Callable[[], IO[Any]], name: str, mode: str = "rb") -> None:
        self._opener = opener
        self._opened: IO[Any] | None = None
        self.name: str | None = name
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
