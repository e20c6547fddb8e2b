"""The production of the example: a server full of pictures, which can be stopped and started."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Self

from example.pictures import Picture


class Stored(NamedTuple):
    """What is known of a file: if any of it differs, somebody changed the file."""

    etag: str
    size: int
    modified: str
    sha256: str


#: All files of production, by name.
Snapshot = dict[str, Stored]


class Production(ABC):
    """A server that runs while the ``with`` block does; any thread may stop and start it."""

    #: What it is, in a sentence.
    kind: str

    def __init__(self) -> None:
        # A server ends with the thread that started it: this one lives as long as it may run.
        self._keeper = ThreadPoolExecutor(1, "production")

    def __enter__(self) -> Self:
        try:
            self._keeper.submit(self._open).result()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._keeper.submit(self._close).result()
        self._keeper.shutdown()

    def start(self) -> None:
        """Start again, with the same files and address; return once it answers."""
        self._keeper.submit(self._start).result()

    def stop(self) -> None:
        """End the server; connections are refused from then on."""
        self._keeper.submit(self._stop).result()

    @property
    @abstractmethod
    def address(self) -> str:
        """Where it answers."""

    @property
    @abstractmethod
    def running(self) -> bool:
        """Whether the process is there, frozen or not."""

    @abstractmethod
    def freeze(self) -> None:
        """Accept connections and answer nothing."""

    @abstractmethod
    def thaw(self) -> None:
        """Go on after `freeze`."""

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """What the site's settings need to know."""

    @abstractmethod
    def put(self, picture: Picture) -> None:
        """Store a picture, past the site."""

    @abstractmethod
    def snapshot(self) -> Snapshot:
        """Read all of it, past the site."""

    @abstractmethod
    def _open(self) -> None: ...

    @abstractmethod
    def _start(self) -> None: ...

    @abstractmethod
    def _stop(self) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
