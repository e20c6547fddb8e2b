"""Requests to one site, over connections that are kept: the one place that knows urllib3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

# BaseHTTPResponse is new in urllib3 2, so that an older one counts as none.
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as HTTPTimeoutError

from fallback_storage.http.deadline import BoundedResponse, Deadline
from fallback_storage.http.options import HTTPOptions

#: Connections kept open, at most; more are made where more threads ask, and closed after use.
CONNECTIONS = 32
#: Bytes of an answer nobody wants that are read, so that its connection can be used again.
DRAINED = 64 * 1024


class _Connection(HTTPConnection):
    response_class = BoundedResponse


class _SecureConnection(HTTPSConnection):
    response_class = BoundedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class Transport:
    """The connections of one process to one site. It has a single host, and follows nothing."""

    def __init__(self, options: HTTPOptions) -> None:
        base = options.base
        pool = _SecurePool if base.scheme == "https" else _Pool
        self._pool = pool(str(base.hostname), base.port, maxsize=CONNECTIONS)
        self._options = options
        self._headers = options.request_headers

    @contextmanager
    def request(
        self, method: str, target: str, name: str, deadline: Deadline, range_: str | None = None
    ) -> Iterator[BaseHTTPResponse]:
        """Yield the response to one request, whatever it says; its body is still to be read.

        Raises ``TimeoutError`` or ``ConnectionError``, in the block as well, where there is none
        or where it breaks off.
        """
        try:
            response = self._send(method, target, deadline, range_)
        except (HTTPError, OSError) as error:
            raise _fault(error, name, deadline) from None
        try:
            yield response
        except HTTPError as error:
            raise _fault(error, name, deadline) from None
        finally:
            _dispose(response)

    def _send(
        self, method: str, target: str, deadline: Deadline, range_: str | None
    ) -> BaseHTTPResponse:
        connect, read = self._options.connect_timeout, self._options.read_timeout
        with deadline.bounding(read):
            return self._pool.urlopen(
                method,
                target,
                # Made here, not in `request`: a report of an error may show the variables there.
                headers=self._headers if range_ is None else self._headers | {"Range": range_},
                timeout=Timeout(connect=deadline.patience(connect), read=read),
                # The next backend is the retry, and a redirect could lead anywhere.
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )


def _dispose(response: BaseHTTPResponse) -> None:
    left = response.length_remaining
    if left is not None and left <= DRAINED:
        response.drain_conn()  # Then the connection is back in the pool, and close leaves it.
    response.close()


def _fault(error: HTTPError | OSError, name: str, deadline: Deadline) -> OSError:
    """Return what became of the request, in words that hold nothing the server said."""
    if deadline.passed:
        return deadline.error()
    # urllib3 calls every connection that fails one that took too long.
    if isinstance(error, HTTPTimeoutError) and not isinstance(error, NewConnectionError):
        return TimeoutError(f"No answer for {name!r}: {type(error).__name__}.")
    reason = error.__cause__ or error.__context__
    kinds = [type(each).__name__ for each in (error, reason) if each is not None]
    return ConnectionError(f"No whole answer for {name!r}: {', '.join(kinds)}.")
