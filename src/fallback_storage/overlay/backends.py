"""The layers of an overlay's backends: what its whiteouts hide, and the names that are its own."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from fallback_storage.backend.backend import Backend
from fallback_storage.backend.layers import Call, Operation
from fallback_storage.overlay.whiteouts import PREFIX, Whiteouts, marker

_OF_A_FILE = frozenset(
    {"exists", "open", "path", "read_part", "size"}
    | {"get_accessed_time", "get_created_time", "get_modified_time"}
)


class Reserved:
    """Leaves the overlay's own names out of a listing."""

    def around(self, operation: Operation, call: Call) -> Call:
        return partial(self._listdir, call) if operation.name == "listdir" else call

    def _listdir(self, listdir: Call, path: str) -> tuple[list[str], list[str]]:
        directories, files = listdir(path)
        return (
            [name for name in directories if not name.startswith(PREFIX)],
            [name for name in files if not name.startswith(PREFIX)],
        )


class Hiding:
    """Hides in a lower backend what the whiteouts in the upper one say is deleted."""

    def __init__(self, upper: Backend, whiteouts: Whiteouts) -> None:
        self._upper = upper
        self._whiteouts = whiteouts

    def around(self, operation: Operation, call: Call) -> Call:
        special: dict[str, Callable[..., Any]] = {
            "claims": self._exists,
            "exists": self._exists,
            "listdir": self._listdir,
            "url": self._url,
        }
        if operation.name in special:
            return partial(special[operation.name], call)
        return partial(self._call, call) if operation.name in _OF_A_FILE else call

    def _call(self, call: Call, name: str, *args: Any) -> Any:
        if self._whiteouts.hide(name):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return call(name, *args)

    def _exists(self, exists: Call, name: str) -> bool:
        return not self._whiteouts.hide(name) and exists(name)

    def _url(self, url: Call, name: str, *args: Any, **keywords: Any) -> str:
        if not self._whiteouts.hide(name):
            answer: str = url(name, *args, **keywords)
            return answer
        return self._upper.url(name, *args, **keywords)

    def _listdir(self, listdir: Call, path: str) -> tuple[list[str], list[str]]:
        directories, files = listdir(path)
        markers = self._whiteouts.markers_in(path)
        return [d for d in directories if marker(d) not in markers], [
            f for f in files if marker(f) not in markers
        ]
