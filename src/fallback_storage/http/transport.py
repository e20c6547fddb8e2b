"""Requests to one site, over connections that are kept: the one place that knows urllib3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

# BaseHTTPResponse is new in urllib3 2, so that an older one counts as none.
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, SSLError
from urllib3.exceptions import TimeoutError as HTTPTimeoutError

from fallback_storage.http.deadline import Deadline
from fallback_storage.http.exchange import Exchange, Response, current_exchange
from fallback_storage.http.options import HTTPOptions

Method = Literal["GET", "HEAD"]

#: The most connections that are kept; where more threads ask, more are made and closed after use.
CONNECTIONS = 32
#: The longest body that is read only so that its connection can be used again.
DRAINED = 64 * 1024


class _Connection(HTTPConnection):
    response_class = Response

    def connect(self) -> None:
        current_exchange().connected = True
        super().connect()

    @property
    def is_connected(self) -> bool:
        """Whether the connection, which was kept, can be used."""
        return not current_exchange().needs_new_connection and super().is_connected


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class Transport:
    """The connections of one process to one host. It follows no redirect."""

    def __init__(self, options: HTTPOptions) -> None:
        base = options.base
        pool = _SecurePool if base.scheme == "https" else _Pool
        self._pool = pool(str(base.hostname), base.port, maxsize=CONNECTIONS)
        self._options = options
        self._headers = options.request_headers

    @contextmanager
    def request(
        self, method: Method, target: str, name: str, deadline: Deadline, range_: str | None = None
    ) -> Iterator[BaseHTTPResponse]:
        """Yield the response to a request, whatever its status; its body has not been read.

        Raises ``TimeoutError`` or ``ConnectionError`` where there is no response, and in the block
        where it breaks off.
        """
        exchange = Exchange(deadline, self._options.read_timeout)
        try:
            response = self._send(exchange, method, target, range_)
        except (HTTPError, OSError) as error:
            raise _fault(error, name, deadline) from None
        try:
            yield response
        except HTTPError as error:
            fault = _fault(error, name, deadline)
            if deadline.passed:  # It answers: what takes so long is this file.
                fault.status_code = response.status  # type: ignore[attr-defined]
            raise fault from None
        finally:
            # What was asked is known: a body that nobody needs is not waited for.
            exchange.waits = False
            _dispose(response)

    def _send(
        self, exchange: Exchange, method: Method, target: str, range_: str | None
    ) -> BaseHTTPResponse:
        """Send a request, and once more if a kept connection turns out to be closed.

        A server may close a connection while a request is on its way, and a router may forget one
        that was idle. That says nothing of the server, and neither method changes anything there.
        For everything else the next backend is the retry.
        """
        try:
            return self._send_once(exchange, method, target, range_)
        except (ProtocolError, SSLError):
            if not exchange.is_unanswered_reuse:
                raise
        exchange.needs_new_connection = True  # The others may be closed as well.
        return self._send_once(exchange, method, target, range_)

    def _send_once(
        self, exchange: Exchange, method: Method, target: str, range_: str | None
    ) -> BaseHTTPResponse:
        connect, read = self._options.connect_timeout, self._options.read_timeout
        with exchange.serve():
            return self._pool.urlopen(
                method,
                target,
                # Not a variable of `request`: a report of an error may show those.
                headers=self._headers if range_ is None else self._headers | {"Range": range_},
                timeout=Timeout(connect=exchange.deadline.timeout(connect), read=read),
                retries=False,
                redirect=False,  # One could lead anywhere.
                preload_content=False,
                decode_content=False,
            )


def _dispose(response: BaseHTTPResponse) -> None:
    """Keep the connection if the rest of the body is short and there, else close it."""
    left = response.length_remaining
    if left is None or left <= DRAINED:
        with suppress(HTTPError):
            response.read(DRAINED)  # At its end the connection is kept, and close leaves it alone.
    response.close()


def _fault(error: HTTPError | OSError, name: str, deadline: Deadline) -> OSError:
    """Return the error to raise. Its text holds nothing that the server said."""
    if deadline.passed:
        return deadline.error()
    # To urllib3 every connection that failed is a timeout.
    if isinstance(error, HTTPTimeoutError) and not isinstance(error, NewConnectionError):
        return TimeoutError(f"No response for {name!r}: {type(error).__name__}.")
    reason = error.__cause__ or error.__context__
    kinds = [type(each).__name__ for each in (error, reason) if each is not None]
    return ConnectionError(f"No complete response for {name!r}: {', '.join(kinds)}.")
