"""The options of ``HTTPStorage``: checked once, then frozen."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal
from urllib.parse import SplitResult, quote, urlsplit

from django.core.exceptions import SuspiciousFileOperation
from django.views.decorators.debug import sensitive_variables

from fallback_storage.backend.content import SPOOL_SIZE
from fallback_storage.conf import validation
from fallback_storage.conf.validation import Validator, optional, refuse, validated

#: Never shown, and refused in migrations.
SECRETS = ("headers", "basic_auth")

_USER_AGENT = "django-fallback-storage"
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
# What the promises about lengths and ranges rest on.
_OWN_HEADERS = frozenset({"accept-encoding", "content-length", "range", "transfer-encoding"})


@dataclass(frozen=True)
class HTTPOptions:
    """What an ``HTTPStorage`` was given."""

    #: Where the files are; ends in a slash.
    base_url: str
    #: Whether ``http://`` will do.
    allow_http: bool = False
    #: ``False``: none is followed. ``"same-host"``: those that stay on scheme, host and port.
    redirects: Literal[False, "same-host"] = False
    #: Seconds to wait for a connection.
    connect_timeout: float = 5.0
    #: Seconds to wait for the next bytes.
    read_timeout: float = 10.0
    #: Seconds that one operation may take, all of its requests and the whole body included.
    deadline: float = 60.0
    #: Bytes; a larger file is not opened.
    max_size: int = 1024**3
    #: Bytes kept in memory; the rest of a file goes to a temporary one.
    spool_size: int = SPOOL_SIZE
    #: Headers of each request.
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: User and password.
    basic_auth: tuple[str, str] | None = field(default=None, repr=False)
    #: Content types that a file may have, such as ``image/*``; without any, all.
    expect: tuple[str, ...] = ()
    #: Whether the first file found is believed only after a random name was not.
    probe: bool = True
    #: Seconds for which a name that is missing is not asked for again.
    missing_ttl: float = 60.0
    #: Takes a directory, returns its directories and files; may hold secrets as a partial does.
    index: Callable[[str], Any] | None = field(default=None, repr=False)
    #: Seconds on a clock that never goes back.
    clock: Callable[[], float] = time.monotonic

    @property
    def base(self) -> SplitResult:
        return urlsplit(self.base_url)

    @property
    def request_headers(self) -> dict[str, str]:
        """The headers of each request; as secret as those that were given."""
        headers = {"Accept-Encoding": "identity", **self.headers}
        if "user-agent" not in map(str.lower, headers):
            headers["User-Agent"] = _USER_AGENT
        if self.basic_auth is not None:
            pair = base64.b64encode(":".join(self.basic_auth).encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        return headers


def target_of(name: str) -> str:
    """Return ``name`` quoted for a URL.

    Raises ``SuspiciousFileOperation`` for a name that has no UTF-8, such as a lone surrogate.
    """
    try:
        return quote(name, safe="/")
    except UnicodeEncodeError:
        raise SuspiciousFileOperation(f"{name!r} cannot be encoded as UTF-8.") from None


@sensitive_variables()
def http_options(place: str, given: Mapping[str, Any]) -> HTTPOptions:
    """Return the options; ``ImproperlyConfigured`` names the place, and never shows a value."""
    options = HTTPOptions(**validated(given, _VALIDATORS, place, "option"))
    if options.base.scheme != "https" and not options.allow_http:
        hint = "Or set allow_http=True, to allow http:// as well."
        refuse(f"{place}: base_url", "must start with https://", hint)
    if options.basic_auth is not None and "authorization" in map(str.lower, options.headers):
        refuse(f"{place}:", "set basic_auth or an Authorization header, not both")
    return options


def _base_url(value: Any, place: str) -> str:
    if value is None:
        refuse(place, "is missing", "Set it to the URL below which the files are.")
    url = validation.text(value, place, what=_URL)
    if not (url.isascii() and url.isprintable()) or set(url) & set(' \\"<>'):
        refuse(place, "must be ASCII", "Percent-encode its path, and write its host as xn--….")
    if "@" in url.partition("://")[2].partition("/")[0]:
        refuse(place, "must not hold a user or password", "Set basic_auth=(user, password).")
    if "?" in url or "#" in url:
        refuse(place, "must have neither a query nor a fragment")
    path = _split(url, place).path
    if path.startswith("//") or {".", ".."} & set(path.split("/")):
        refuse(place, "must have a path without '//' at its start, '.' and '..'")
    return url.rstrip("/") + "/"


_URL = "a URL such as https://media.example.org/media/"


def _split(url: str, place: str) -> SplitResult:
    parts = None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        port = 0
    if parts is None or port == 0 or parts.scheme not in {"https", "http"} or not parts.hostname:
        refuse(place, f"must be {_URL}")
    return parts


def _headers(value: Any, place: str) -> dict[str, str]:
    headers: Mapping[Any, Any] = {} if value is None else validation.mapping(value, place)
    for name, text in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            refuse(place, "must have names of HTTP headers as its keys")
        if not isinstance(text, str) or not _HEADER_VALUE.fullmatch(text):
            refuse(f"{place}[{name!r}]", "must be one line of Latin-1 text")
        if name.lower() in _OWN_HEADERS:
            refuse(f"{place}[{name!r}]", "must not be set", "The storage sets it itself.")
    return dict(headers)


def _basic_auth(value: Any, place: str) -> tuple[str, str]:
    pair = validation.texts(value, place, what="a pair of texts: (user, password)")
    if len(pair) != 2:
        refuse(place, "must be a pair of texts: (user, password)")
    if ":" in pair[0]:
        refuse(place, "must have a user without a colon")
    return pair[0], pair[1]


def _expect(value: Any, place: str) -> tuple[str, ...]:
    patterns = validation.texts([value] if isinstance(value, str) else value, place, what=_TYPES)
    if not all("/" in pattern for pattern in patterns):
        refuse(place, f"must be {_TYPES}")
    return tuple(pattern.lower() for pattern in patterns)


_TYPES = "a list of content types, such as ['image/*']"
_bytes = partial(validation.whole_number, unit="bytes", least=1)

_VALIDATORS: dict[str, Validator] = {
    "base_url": _base_url,
    "allow_http": validation.flag,
    "redirects": partial(validation.choice, choices=(False, "same-host")),
    "connect_timeout": validation.seconds,
    "read_timeout": validation.seconds,
    "deadline": validation.seconds,
    "max_size": _bytes,
    "spool_size": _bytes,
    "headers": _headers,
    "basic_auth": optional(_basic_auth),
    "expect": _expect,
    "probe": validation.flag,
    "missing_ttl": partial(validation.seconds, zero=True),
    "index": optional(validation.function),
    "clock": validation.function,
}
