"""How to deal with a storage that keeps Django's contract; what each adapter changes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from django.core.files.base import File
from django.core.files.storage import Storage
from django.core.files.utils import FileProxyMixin

from fallback_storage import locks

#: Asked at the last moment: whether a file is not to be created after all.
SkipIf = Callable[[], bool] | None

# The usual ones first: asking io.IOBase, an abstract class, takes ten times as long.
_IO = (io.BufferedReader, io.TextIOWrapper, io.BytesIO, io.IOBase)


@dataclass(frozen=True)
class Client:
    """The client library of a remote storage; without ``option`` it has no timeouts of its own.

    ``hangs`` is how long a call takes with the defaults while its server does not answer, as
    measured. ``option`` and ``setting`` hold the timeouts, which are the ``keys`` there, unless
    ``overridden_by`` another option; ``advice`` says what to write.
    """

    hangs: str
    option: str = ""
    setting: str = ""
    keys: tuple[str, ...] = ()
    advice: str = ""
    overridden_by: tuple[str, str] | None = None


class Adapter:
    """One storage, and what is known of it by its class.

    A method with the name of one of the storage's is called in its place.
    """

    #: Whether a save that fails leaves nothing behind, and an earlier file as it was.
    atomic_save: ClassVar[bool] = False
    #: Whether several threads may call a storage of exactly this class at once.
    thread_safe: ClassVar[bool] = False
    #: Whether all that a storage does goes over one connection, for one thread at a time.
    one_connection: ClassVar[bool] = False
    #: How many threads may take the place of stuck ones, a stuck call sharing nothing with them.
    spare_threads: ClassVar[int] = 0
    #: Whether a file comes whole when first read, with the client's own timeout between its bytes.
    downloads_whole: ClassVar[bool] = False
    #: What the storage's client does while its server does not answer; for the checks.
    client: ClassVar[Client | None] = None

    def __init__(self, storage: Any, *, exact: bool = False) -> None:
        self.storage = storage
        #: Whether the storage's class is the very one that the adapter is for, not a subclass.
        self.exact = exact

    def method(self, operation: str) -> Callable[..., Any] | None:
        """Return what answers ``operation``: the adapter's own method, else the storage's."""
        own: Callable[..., Any] | None = getattr(self, operation, None)
        return getattr(self.storage, operation, None) if own is None else own

    @property
    def is_remote(self) -> bool:
        """Whether the storage has no local paths."""
        return getattr(self.storage.__class__, "path", Storage.path) is Storage.path

    @property
    def overwrites(self) -> bool:
        """Whether the storage's owner wants a save on a taken name to replace the file."""
        return any(getattr(self.storage, flag, False) is True for flag in _OVERWRITE_FLAGS)

    @property
    def can_create(self) -> bool:
        """Whether ``create`` is there: it stores a file only if its name is free, at once."""
        return False

    @property
    def can_replace(self) -> bool:
        """Whether ``replace`` is there: it puts a file in the place of another, at once."""
        return False

    def create(self, name: str, content: File[bytes], skip_if: SkipIf) -> bool:
        """Store a file at once, if its name is free and not ``skip_if``; return whether it was."""
        raise NotImplementedError

    def replace(self, name: str, content: File[bytes]) -> None:
        """Put a file in the place of another at once."""
        raise NotImplementedError

    def says_missing(self, error: Exception) -> bool:
        """Return whether ``error`` is this class's own way to say *missing*."""
        return False

    def open_checks_existence(self, file: Any) -> bool:
        """Return whether a file just opened for reading is known to exist.

        A file around an io object is; one that reads in a way of its own may ask its server only
        when it is first read.
        """
        if type(file) is File:
            return isinstance(file.file, _IO)
        if getattr(type(file), "read", None) is FileProxyMixin.read:
            return isinstance(vars(file).get("file"), _IO)
        return isinstance(file, _IO)

    def refuses_mode(self, mode: str) -> bool:
        """Return whether this class cannot open a file in ``mode`` to change it."""
        return False

    def after_error(self) -> None:
        """Make the storage usable again after it raised."""

    def give_up(self) -> None:
        """Let go of what a stuck call of another thread holds, so that the next one can do."""

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Keep whoever else changes ``name`` out, as far as this class can."""
        with _locks.alone((id(self.storage), name)):
            yield

    @classmethod
    def transfers_in_threads(cls, option: Callable[[str, str], Any]) -> bool:
        """Return whether its client transfers files in threads of its own.

        ``option(name, setting)`` is what the storage would have for an option.
        """
        return False

    @classmethod
    def has_timeouts(cls, option: Callable[[str, str], Any]) -> bool:
        """Return whether its client is given every timeout that bounds a call."""
        client = cls.client
        if client is None or not client.keys:
            return False
        if client.overridden_by and option(*client.overridden_by) is not None:
            return False
        given = option(client.option, client.setting)
        # A botocore Config has a value for everything; this is what it was given.
        given = getattr(given, "_user_provided_options", given)
        return isinstance(given, Mapping) and all(
            given.get(key) is not None for key in client.keys
        )


# How storages say that a save on a taken name replaces the file.
_OVERWRITE_FLAGS = ("file_overwrite", "overwrite_files", "allow_overwrite", "_allow_overwrite")
_locks = locks.Flights()
