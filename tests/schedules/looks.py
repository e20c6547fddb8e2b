"""What actors learn from the disk, in words that are the same in each run."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Any


class Entries:
    """A directory's entries, all of them read in one step."""

    def __init__(self, entries: Any) -> None:
        with entries:
            self._entries = sorted(entries, key=lambda entry: entry.name)

    def names(self) -> object:
        return [entry.name for entry in self._entries]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries)

    def __enter__(self) -> Iterator[Any]:
        return iter(self._entries)

    def __exit__(self, *_: object) -> None:
        pass


def look_of(found: Any) -> object:
    """Return what an actor learns: neither times nor inode numbers, which differ in each run."""
    if isinstance(found, os.stat_result):
        return "directory" if stat.S_ISDIR(found.st_mode) else f"{found.st_size} bytes"
    return sorted(found) if isinstance(found, list) else found


def name_of(flags: int) -> str:
    """Return what ``os.open`` does with these flags."""
    names = {os.O_CREAT: "creat", os.O_EXCL: "excl", os.O_TRUNC: "trunc", os.O_APPEND: "append"}
    said = [name for flag, name in names.items() if flags & flag]
    return f"open({','.join(said)})" if said else "open"


def shortened(data: Any) -> str:
    """Return data so that a step fits on a line."""
    said = repr(bytes(data)) if isinstance(data, (bytes, bytearray, memoryview)) else str(data)
    return said if len(said) < 40 else f"{said[:20]}...{said[-16:]}"
