"""The options of ``HTTPStorage``: checked once, then frozen."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal
from urllib.parse import SplitResult, quote, urlsplit

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation

from fallback_storage.backend.content import SPOOL_SIZE
from fallback_storage.conf import refuse_unknown

#: Never shown, and refused in migrations.
SECRETS = ("headers", "basic_auth")

_USER_AGENT = "django-fallback-storage"
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
# What the promises about lengths and ranges rest on.
_OWN_HEADERS = frozenset({"accept-encoding", "content-length", "range", "transfer-encoding"})
_FOREVER = 1e9


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
    #: Takes a directory, returns its directories and files.
    index: Callable[[str], Any] | None = None
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

    Raises ``SuspiciousFileOperation`` for what is not Unicode.
    """
    try:
        return quote(name, safe="/")
    except UnicodeEncodeError:
        raise SuspiciousFileOperation(f"{name!r} is not Unicode.") from None


def http_options(place: str, given: Mapping[str, Any]) -> HTTPOptions:
    """Return the options; ``ImproperlyConfigured`` names the place, and never shows a value."""
    refuse_unknown(given, [each.name for each in fields(HTTPOptions)], place, "option")
    options = HTTPOptions(**{option: _checked(place, option, given[option]) for option in given})
    if options.base.scheme != "https" and not options.allow_http:
        raise ImproperlyConfigured(f"{place}: base_url must be https, or allow_http=True.")
    if options.basic_auth is not None and "authorization" in map(str.lower, options.headers):
        raise ImproperlyConfigured(f"{place}: basic_auth and an Authorization header are two.")
    return options


def _checked(place: str, option: str, value: Any) -> Any:
    try:
        return _CHECKS[option](value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{place}: {option} {error}.") from None


def _base_url(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("is missing: where are the files?")
    if not (value.isascii() and value.isprintable()) or set(value) & set(' \\"<>'):
        raise ValueError("must be ASCII: percent-encode its path, and write its host as xn--…")
    if "@" in value.partition("://")[2].partition("/")[0]:
        raise ValueError("must hold no user or password: give them as basic_auth=(…, …)")
    if "?" in value or "#" in value:
        raise ValueError("must have neither a query nor a fragment")
    path = _split(value).path
    if path.startswith("//") or {".", ".."} & set(path.split("/")):
        raise ValueError("must have a path without '//' at its start, '.' and '..'")
    return value.rstrip("/") + "/"


def _split(value: str) -> SplitResult:
    parts = None
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        port = 0
    if parts is None or port == 0 or parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError("must be like https://media.example.org/media/")
    return parts


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def _redirects(value: Any) -> Any:
    if value is not False and value != "same-host":
        raise ValueError("must be False or 'same-host'")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("must be a number")
    return value


def _seconds(value: Any) -> float:
    if not 0 < _number(value) < _FOREVER:
        raise ValueError("must be seconds, more than none")
    return float(value)


def _seconds_or_none(value: Any) -> float:
    if not 0 <= _number(value) < _FOREVER:
        raise ValueError("must be seconds, 0 for none")
    return float(value)


def _bytes(value: Any) -> int:
    if not isinstance(value, int) or _number(value) < 1:
        raise ValueError("must be a whole number of bytes, more than none")
    return value


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("must be a mapping")
    for name, text in value.items():
        _refuse_header(name, text)
    return dict(value)


def _refuse_header(name: Any, text: Any) -> None:
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise ValueError("must map names of headers to their text")
    if not isinstance(text, str) or not _HEADER_VALUE.fullmatch(text):
        raise ValueError(f"has a {name} that is not one line of Latin-1 text")
    if name.lower() in _OWN_HEADERS:
        raise ValueError(f"must not have {name}, which the storage sets itself")


def _basic_auth(value: Any) -> tuple[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError("must be a pair: user and password")
    user, password = value
    if not (isinstance(user, str) and isinstance(password, str)) or ":" in user:
        raise ValueError("must be two texts, the user's without a colon")
    return user, password


def _expect(value: Any) -> tuple[str, ...]:
    patterns = [value] if isinstance(value, str) else value
    if not isinstance(patterns, (tuple, list)):
        raise ValueError("must be content types, such as ['image/*']")
    if not all(isinstance(pattern, str) and "/" in pattern for pattern in patterns):
        raise ValueError("must be content types, such as 'image/*'")
    return tuple(pattern.lower() for pattern in patterns)


def _callable(value: Any) -> Any:
    if not callable(value):
        raise ValueError("must be callable")
    return value


def _callable_or_none(value: Any) -> Any:
    return None if value is None else _callable(value)


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "base_url": _base_url,
    "allow_http": _flag,
    "redirects": _redirects,
    "connect_timeout": _seconds,
    "read_timeout": _seconds,
    "deadline": _seconds,
    "max_size": _bytes,
    "spool_size": _bytes,
    "headers": _headers,
    "basic_auth": _basic_auth,
    "expect": _expect,
    "probe": _flag,
    "missing_ttl": _seconds_or_none,
    "index": _callable_or_none,
    "clock": _callable,
}
