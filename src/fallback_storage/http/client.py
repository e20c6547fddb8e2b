"""What one process has of a site: its connections, the names lately missing, and its trust."""

from __future__ import annotations

import errno
import math
import posixpath
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import TypeVar
from uuid import uuid4

from urllib3 import BaseHTTPResponse

from fallback_storage.backend.copied import Facts
from fallback_storage.backend.part import Part
from fallback_storage.errors import UnsupportedOperation
from fallback_storage.http import responses
from fallback_storage.http.body import Body
from fallback_storage.http.deadline import Deadline
from fallback_storage.http.options import HTTPOptions, target_of
from fallback_storage.http.responses import Description, UnexpectedAnswer
from fallback_storage.http.transport import Method, Transport
from fallback_storage.negative_cache import NegativeCache
from fallback_storage.resilience.call import has_answered

#: The most redirects that are followed for one request.
MAX_REDIRECTS = 5

_CHUNK = 64 * 1024
_FIRST_BYTE = "bytes=0-0"
_FOUND_BY_HEAD = frozenset({responses.OK})
_FOUND_BY_GET = frozenset({responses.OK, responses.PARTIAL, responses.NO_SUCH_RANGE})

Spool = SpooledTemporaryFile[bytes]
T = TypeVar("T")


class Client:
    """Asks a site for its files. A file counts as there only once ``_trust`` has passed."""

    def __init__(self, options: HTTPOptions) -> None:
        self._options = options
        self._transport = Transport(options)
        self._missing = NegativeCache(options.missing_ttl, options.clock)
        self._trusted = threading.Event()
        self._probing = threading.Lock()

    def describe(self, name: str) -> Description:
        """Return what the site says of a file without sending it."""
        return self._unless_missing(name, self._describe_trusted)

    def size(self, name: str) -> int | None:
        """Return the size, ``None`` where the site does not give it."""
        return self._unless_missing(name, self._size)

    def download(self, name: str) -> tuple[Spool, int, Description]:
        """Return the whole content, at its start, its size, and what else is said of it."""
        return self._unless_missing(name, self._download)

    def read_part(self, name: str, range_: str | None) -> Part:
        """Begin to read a file, or the range of it that a header says, as the site sends it.

        Only the client's own timeouts bound the rest: how long it takes is for who reads it.
        """
        return self._unless_missing(name, partial(self._read_part, range_=range_))

    def _unless_missing(self, name: str, ask: Callable[[str, Deadline], T]) -> T:
        if name in self._missing:
            raise FileNotFoundError(errno.ENOENT, "Missing a moment ago (missing_ttl)", name)
        try:
            return ask(name, Deadline(name, self._options.deadline, self._options.clock))
        except FileNotFoundError:
            self._missing.add(name)
            raise

    def _describe_trusted(self, name: str, deadline: Deadline) -> Description:
        description = self._describe(name, deadline)
        self._trust(name, deadline)
        return description

    def _size(self, name: str, deadline: Deadline) -> int | None:
        size = self._describe_trusted(name, deadline).size
        return self._describe_by_get(name, deadline).size if size is None else size

    def _describe(self, name: str, deadline: Deadline) -> Description:
        with self._request("HEAD", name, deadline) as response:
            if response.status not in responses.HEAD_REFUSED:
                return self._description(response, name, _FOUND_BY_HEAD)
        return self._describe_by_get(name, deadline)

    def _describe_by_get(self, name: str, deadline: Deadline) -> Description:
        with self._request("GET", name, deadline, _FIRST_BYTE) as response:
            return self._description(response, name, _FOUND_BY_GET)

    def _description(
        self, response: BaseHTTPResponse, name: str, found: frozenset[int]
    ) -> Description:
        if response.status not in found:
            raise responses.error_for(response.status, name)
        if response.status != responses.NO_SUCH_RANGE:  # Its type is that of an error's page.
            responses.refuse_type(response.headers, self._options.expect, name)
        return responses.describe(response.status, response.headers)

    def _download(self, name: str, deadline: Deadline) -> tuple[Spool, int, Description]:
        with self._request("GET", name, deadline) as response:
            said = self._description(response, name, _FOUND_BY_HEAD)
            self._trust(name, deadline)
            if responses.is_encoded(response.headers):
                raise UnexpectedAnswer(
                    f"The site sent {name!r} compressed, though asked for it as it is. Make it"
                    " honour Accept-Encoding: identity, or use the real storage."
                )
            if said.size is not None and said.size > self._options.max_size:
                raise self._too_large(name)
            has_answered()
            return *self._spool(response, name), said

    def _read_part(self, name: str, deadline: Deadline, range_: str | None) -> Part:
        found = _FOUND_BY_HEAD if range_ is None else _FOUND_BY_GET - {responses.NO_SUCH_RANGE}
        unbounded = Deadline(name, math.inf, self._options.clock)
        with ExitStack() as stack:
            response = stack.enter_context(self._request("GET", name, unbounded, range_))
            said = self._description(response, name, found)
            self._trust(name, deadline)
            if said.size is None:
                raise UnsupportedOperation(f"The site does not give the size of {name!r}.")
            has_answered()
            start = responses.start(response.headers)
            body = Body(response, stack.pop_all())
            return Part(body, start, said.size, Facts(said.content_type, said.modified))

    def _spool(self, response: BaseHTTPResponse, name: str) -> tuple[Spool, int]:
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
                # Not the file is missing, but the directory for temporary ones.
                raise OSError(errno.EIO, "No temporary directory", name) from None
        return size

    def _too_large(self, name: str) -> OSError:
        limit = f"Larger than max_size={self._options.max_size}"
        return OSError(errno.EFBIG, limit, name)

    @contextmanager
    def _request(
        self, method: Method, name: str, deadline: Deadline, range_: str | None = None
    ) -> Iterator[BaseHTTPResponse]:
        target = self._options.base.path + target_of(name)
        for _ in range(MAX_REDIRECTS + 1):
            with self._transport.request(method, target, name, deadline, range_) as response:
                if response.status not in responses.REDIRECTS:
                    yield response
                    return
                target = self._redirected(response, target, name)
        raise UnexpectedAnswer(f"{name!r} was redirected more than {MAX_REDIRECTS} times.")

    def _redirected(self, response: BaseHTTPResponse, target: str, name: str) -> str:
        what = f"HTTP {response.status} for {name!r} is a redirect"
        if not self._options.redirects:
            raise UnexpectedAnswer(f"{what}, and redirects=False follows none. Check base_url.")
        location = response.headers.get("Location", "")
        there = responses.follow(self._options.base, target, location) if location else None
        if there is None:
            raise UnexpectedAnswer(f"{what} away from the host: redirects='same-host' refuses it.")
        return there

    def _trust(self, name: str, deadline: Deadline) -> None:
        """Ask for a name that cannot exist before the first file is believed to be there.

        The lock is held across a request on purpose: the others wait for its outcome, none longer
        than its own deadline.
        """
        if self._trusted.is_set() or not self._options.probe:
            return
        if not self._probing.acquire(timeout=deadline.timeout()):
            raise deadline.error()
        try:
            if not self._trusted.is_set():
                self._probe(name, deadline)
                self._trusted.set()
        finally:
            self._probing.release()

    def _probe(self, name: str, deadline: Deadline) -> None:
        # Beside the file and with its extension: a site may have rules for either.
        extension = posixpath.splitext(name)[1]
        random_name = posixpath.join(posixpath.dirname(name), uuid4().hex + extension)
        try:
            self._describe(random_name, deadline)
        except (FileNotFoundError, PermissionError, UnexpectedAnswer):
            return
        raise UnexpectedAnswer(
            f"{self._options.base_url} answers for a random name as it does for {name!r}. It may"
            " show one page at every address, such as a login. Set the option expect to the types"
            " that files have, or probe=False if the site is right."
        )
