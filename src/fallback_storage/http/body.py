"""The body of a response, read while it arrives."""

from __future__ import annotations

from contextlib import ExitStack

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError


class Body:
    """The rest of a body; its connection is let go by ``close``."""

    def __init__(self, response: BaseHTTPResponse, stack: ExitStack) -> None:
        self._response = response
        self._stack = stack

    def read(self, size: int, /) -> bytes:
        """Read some bytes; ``TimeoutError`` or ``ConnectionError`` where they end too early."""
        try:
            return self._response.read(size)
        except HTTPError:
            with self._stack:  # Where it becomes the error that a client raises.
                raise

    def close(self) -> None:
        self._stack.close()
