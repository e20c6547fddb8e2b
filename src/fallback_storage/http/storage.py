"""A site's files as a Django storage."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NoReturn, cast

from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File
from django.core.files.storage import Storage

from fallback_storage import names
from fallback_storage.backend.content import SPOOL_SIZE
from fallback_storage.backend.files import is_writing
from fallback_storage.backend.part import Part
from fallback_storage.backend.stored_file import hand_out
from fallback_storage.conf import takes_options
from fallback_storage.deconstruction import JSONDeconstructible
from fallback_storage.errors import ReadOnlyStorageError, UnsupportedOperation
from fallback_storage.http.options import SECRETS, HTTPOptions, http_options, target_of

if TYPE_CHECKING:
    from fallback_storage.http.client import Client

_BINARY = frozenset({"rb", "br"})
_TEXT = frozenset({"r", "rt", "tr"})


class HTTPStorage(JSONDeconstructible, Storage):
    """The files below ``base_url``, read over HTTP; nothing is ever written.

    Needs the extra ``http``. Options: ``allow_http``, ``redirects``, ``connect_timeout``,
    ``read_timeout``, ``deadline``, ``max_size``, ``spool_size``, ``headers``, ``basic_auth``,
    ``expect``, ``probe``, ``missing_ttl``, ``index`` and ``clock``: see ``docs/http.md``.

    404 and 410 raise ``FileNotFoundError``, 401 and 403 ``PermissionError``, and everything else
    that is not the file another ``OSError``: it does not mean that the file is absent.
    """

    # The public path: settings, migrations and pickles have it.
    __module__ = "fallback_storage.http"

    first_argument = "base_url"

    @takes_options
    def __init__(
        self,
        base_url: str | None = None,
        *,
        allow_http: bool = False,
        redirects: Literal[False, "same-host"] = False,
        connect_timeout: float = 5.0,
        read_timeout: float = 10.0,
        deadline: float = 60.0,
        max_size: int = 1024**3,
        spool_size: int = SPOOL_SIZE,
        headers: Mapping[str, str] | None = None,
        basic_auth: tuple[str, str] | None = None,
        expect: str | Sequence[str] = (),
        probe: bool = True,
        missing_ttl: float = 60.0,
        index: Callable[[str], tuple[Iterable[str], Iterable[str]]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        given = locals()  # First, before there is anything else in it.
        del given["self"]
        self.options: HTTPOptions = http_options(type(self).__name__, given)
        self._new_client = partial(_client_class(), self.options)
        self._clients: dict[int, Client] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.options.base_url}>"

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_clients": {}}

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Return path and arguments for a migration, JSON-safe.

        Raises ``ImproperlyConfigured`` for ``headers`` and ``basic_auth``, which are secrets.
        """
        for option in SECRETS:
            if getattr(self.options, option):
                raise ImproperlyConfigured(
                    f"{type(self).__name__}: {option} is a secret, which must not be written into"
                    " a migration. Configure the storage in STORAGES and name its alias instead."
                )
        return super().deconstruct()

    @property
    def _client(self) -> Client:
        # A process each: neither a connection nor a lock survives a fork. The parent's client
        # stays in the dictionary: to dispose of its connections could mean to wait for a lock that
        # no thread of this process holds. setdefault is atomic: two threads get the same client
        # without a lock.
        pid = os.getpid()
        client = self._clients.get(pid)
        return self._clients.setdefault(pid, self._new_client()) if client is None else client

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        name = names.file_name(name)
        if is_writing(mode):
            self._refuse("open", name)
        if mode not in _BINARY | _TEXT:
            raise ValueError(f"Invalid mode: {mode!r}. Use 'rb' or 'r'.")
        content, size, said = self._client.download(name)
        # It can only be read: what was written to this copy would be lost.
        reader = io.BufferedReader(cast(io.RawIOBase, content))
        stream = reader if mode in _BINARY else io.TextIOWrapper(reader, "utf-8")
        file: File[Any] = File(cast(BinaryIO, stream), name)
        file.mode = mode
        file.size = size
        file.content_type, file.modified = said.content_type, said.modified  # type: ignore[attr-defined]
        return hand_out(self, name, mode, file)

    def read_part(self, name: str, range_: str | None) -> Part:
        """Begin to read a file, or the range of it that a header says, as the site sends it.

        For a combined storage whose files are served: no other storage has such a method.
        """
        return self._client.read_part(names.file_name(name), range_)

    def exists(self, name: str) -> bool:
        """Return whether the site has a file; ``False`` only if it said so (404, 410)."""
        path = names.path_name(name)
        if not path:
            raise UnsupportedOperation("exists('') is not supported: a site has files only.")
        try:
            self._client.describe(path)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        """Return the size in bytes; ``UnsupportedOperation`` where the site does not give it."""
        size = self._client.size(names.file_name(name))
        if size is None:
            raise UnsupportedOperation(
                f"The site does not give the size of {name!r}. open({name!r}).size downloads it."
            )
        return size

    def get_modified_time(self, name: str) -> datetime:
        """Return ``Last-Modified``, aware if ``USE_TZ``; ``UnsupportedOperation`` without one."""
        modified = self._client.describe(names.file_name(name)).modified
        if modified is None:
            raise UnsupportedOperation(f"The site does not say when {name!r} was modified.")
        return modified

    def url(self, name: str | None) -> str:
        """Return the public URL, quoted; no request is made."""
        text = names.url_name(name)
        path = names.path_name(text)
        end = "/" if path and text.endswith("/") else ""
        return self.options.base_url + target_of(path) + end

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return what the option ``index`` does; ``UnsupportedOperation`` without one."""
        path = names.path_name(path)
        index: Callable[[str], Any] | None = self.options.index
        if index is None:
            raise UnsupportedOperation(
                "A site has no listing. Set the option index to a function that returns one."
            )
        directories, files = index(path)
        return list(directories), list(files)

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        """Raise ``ReadOnlyStorageError``, without asking for a free name first."""
        self._refuse("save", name)

    def _save(self, name: str, content: File[Any]) -> str:
        self._refuse("save", name)

    def delete(self, name: str) -> None:
        """Raise ``ReadOnlyStorageError``."""
        self._refuse("delete", name)

    def _refuse(self, operation: str, name: str | None) -> NoReturn:
        raise ReadOnlyStorageError(f"{self!r} is read-only: it refuses {operation}({name!r}).")


def _client_class() -> type[Client]:
    try:
        from fallback_storage.http.client import Client
    except ImportError as error:
        raise ImproperlyConfigured(
            "HTTPStorage needs urllib3 2 or newer: pip install 'django-fallback-storage[http]'"
        ) from error
    return Client
