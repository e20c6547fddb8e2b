"""The operations of a storage, each on one file, and what is heard of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.dispatch import Signal

READS: dict[str, Callable[[Storage], Any]] = {
    "open": lambda s: s.open("a.txt").close(),
    "exists": lambda s: s.exists("a.txt"),
    "listdir": lambda s: s.listdir(""),
    "size": lambda s: s.size("a.txt"),
    "get_accessed_time": lambda s: s.get_accessed_time("a.txt"),
    "get_created_time": lambda s: s.get_created_time("a.txt"),
    "get_modified_time": lambda s: s.get_modified_time("a.txt"),
}
WRITES: dict[str, Callable[[Storage], Any]] = {
    "save": lambda s: s.save("new.txt", ContentFile(b"")),
    "delete": lambda s: s.delete("a.txt"),
}
#: `url` and `path` ask for the holder first: an outage is one of `exists`.
CALLS: dict[str, Callable[[Storage], Any]] = {
    **READS,
    "url": lambda s: s.url("a.txt"),
    "path": lambda s: s.path("a.txt"),
    **WRITES,
}


def error_of(use: Callable[..., Any], *args: Any) -> Exception:
    """What ``use`` raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the caller looks at it
        use(*args)
    return caught.value


@contextmanager
def heard(signal: Signal) -> Iterator[list[dict[str, Any]]]:
    """What a receiver of the signal is told, sender included."""
    told: list[dict[str, Any]] = []

    def receive(sender: object, **payload: Any) -> None:
        told.append({"sender": sender, **payload})

    signal.connect(receive)
    try:
        yield told
    finally:
        signal.disconnect(receive)
