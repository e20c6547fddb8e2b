"""What one process has of a site: its connections, the names lately missing, and its trust."""

from __future__ import annotations

import errno
import posixpath
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import TypeVar
from uuid import uuid4

from urllib3 import BaseHTTPResponse

from fallback_storage.http import answers
from fallback_storage.http.answers import Description, UnexpectedAnswer
from fallback_storage.http.deadline import Deadline
from fallback_storage.http.misses import Misses
from fallback_storage.http.options import HTTPOptions, target_of
from fallback_storage.http.transport import Transport

#: Redirects followed for one request, at most.
MAX_REDIRECTS = 5

_CHUNK = 64 * 1024
_FIRST_BYTE = "bytes=0-0"
_FOUND_BY_GET = frozenset({answers.OK, answers.PARTIAL, answers.NO_SUCH_RANGE})

Spool = SpooledTemporaryFile[bytes]
T = TypeVar("T")


class Site:
    """A site as one process knows it. Every answer that a file is there has passed ``_trust``."""

    def __init__(self, options: HTTPOptions) -> None:
        self._options = options
        self._transport = Transport(options)
        self._misses = Misses(options.missing_ttl, options.clock)
        self._trusted = threading.Event()
        self._turn = threading.Lock()

    def describe(self, name: str) -> Description:
        """Return what the site says of a file without sending it."""
        return self._unless_missing(name, self._trusted_description)

    def measure(self, name: str) -> int | None:
        """Return the size, ``None`` where the site does not give it."""
        return self._unless_missing(name, self._size)

    def download(self, name: str) -> tuple[Spool, int]:
        """Return the whole content, at its start, and its size."""
        return self._unless_missing(name, self._content)

    def _unless_missing(self, name: str, ask: Callable[[str, Deadline], T]) -> T:
        if name in self._misses:
            raise FileNotFoundError(errno.ENOENT, "Missing a moment ago", name)
        try:
            return ask(name, Deadline(name, self._options.deadline, self._options.clock))
        except FileNotFoundError:
            self._misses.add(name)
            raise

    def _trusted_description(self, name: str, deadline: Deadline) -> Description:
        description = self._describe(name, deadline)
        self._trust(name, deadline)
        return description

    def _size(self, name: str, deadline: Deadline) -> int | None:
        size = self._trusted_description(name, deadline).size
        return self._describe_by_get(name, deadline).size if size is None else size

    def _describe(self, name: str, deadline: Deadline) -> Description:
        with self._ask("HEAD", name, deadline) as response:
            if response.status not in answers.HEAD_REFUSED:
                return self._description(response, name, {answers.OK})
        return self._describe_by_get(name, deadline)

    def _describe_by_get(self, name: str, deadline: Deadline) -> Description:
        with self._ask("GET", name, deadline, _FIRST_BYTE) as response:
            return self._description(response, name, _FOUND_BY_GET)

    def _description(
        self, response: BaseHTTPResponse, name: str, found: set[int] | frozenset[int]
    ) -> Description:
        if response.status not in found:
            raise answers.error_for(response.status, name)
        if response.status != answers.NO_SUCH_RANGE:  # Its type is that of the error's page.
            answers.refuse_type(response.headers, self._options.expect, name)
        return answers.describe(response.status, response.headers)

    def _content(self, name: str, deadline: Deadline) -> tuple[Spool, int]:
        with self._ask("GET", name, deadline) as response:
            described = self._description(response, name, {answers.OK})
            self._trust(name, deadline)
            if answers.is_encoded(response.headers):
                raise UnexpectedAnswer(f"{name!r} came compressed, which it was asked not to.")
            if described.size is not None and described.size > self._options.max_size:
                raise self._too_large(name)
            return self._spooled(response, name)

    def _spooled(self, response: BaseHTTPResponse, name: str) -> tuple[Spool, int]:
        spool = SpooledTemporaryFile(max_size=self._options.spool_size)
        try:
            size = self._fill(spool, response, name)
            spool.seek(0)
        except BaseException:
            spool.close()
            raise
        return spool, size

    def _fill(self, spool: Spool, response: BaseHTTPResponse, name: str) -> int:
        size = 0
        for chunk in iter(partial(response.read, _CHUNK), b""):
            size += len(chunk)
            if size > self._options.max_size:
                raise self._too_large(name)
            try:
                spool.write(chunk)
            except FileNotFoundError:
                # Not the file is missing, but a place to keep it.
                raise OSError(errno.EIO, "No temporary directory", name) from None
        return size

    def _too_large(self, name: str) -> OSError:
        limit = f"Larger than max_size={self._options.max_size}"
        return OSError(errno.EFBIG, limit, name)

    @contextmanager
    def _ask(
        self, method: str, name: str, deadline: Deadline, range_: str | None = None
    ) -> Iterator[BaseHTTPResponse]:
        target = self._options.base.path + target_of(name)
        for _ in range(MAX_REDIRECTS + 1):
            with self._transport.request(method, target, name, deadline, range_) as response:
                if response.status not in answers.REDIRECTS:
                    yield response
                    return
                target = self._redirected(response, target, name)
        raise UnexpectedAnswer(f"{name!r} was redirected more than {MAX_REDIRECTS} times.")

    def _redirected(self, response: BaseHTTPResponse, target: str, name: str) -> str:
        what = f"HTTP {response.status} for {name!r}"
        if not self._options.redirects:
            raise UnexpectedAnswer(f"{what}: none is followed with redirects=False.")
        location = response.headers.get("Location", "")
        there = answers.follow(self._options.base, target, location) if location else None
        if there is None:
            raise UnexpectedAnswer(f"{what} leads away, which redirects='same-host' refuses.")
        return there

    def _trust(self, name: str, deadline: Deadline) -> None:
        """Before the first file is believed to be there, ask for a name that cannot be.

        The turn is held across a request on purpose: the others wait for its outcome, each no
        longer than its own deadline.
        """
        if self._trusted.is_set() or not self._options.probe:
            return
        if not self._turn.acquire(timeout=deadline.patience()):
            raise deadline.error()
        try:
            if not self._trusted.is_set():
                self._probe(name, deadline)
                self._trusted.set()
        finally:
            self._turn.release()

    def _probe(self, name: str, deadline: Deadline) -> None:
        # Beside the file and with its extension: a site may have rules for either.
        extension = posixpath.splitext(name)[1]
        random_name = posixpath.join(posixpath.dirname(name), uuid4().hex + extension)
        try:
            self._describe(random_name, deadline)
        except (FileNotFoundError, PermissionError, UnexpectedAnswer):
            return
        raise UnexpectedAnswer(
            f"{self._options.base_url} answers for a random name as it does for {name!r}: is every"
            " address answered with one page, a login for example? Say with the option expect what"
            " files are, or turn this question off with probe=False."
        )
