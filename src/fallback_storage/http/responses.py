"""What a response says of a file."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from django.conf import settings
from django.utils import timezone

from fallback_storage.errors import FallbackStorageError

OK, PARTIAL, NO_SUCH_RANGE = 200, 206, 416
REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: With these a server may refuse HEAD alone: a GET shows whether a 403 is about the file.
HEAD_REFUSED = frozenset({403, 405, 501})

_MISSING = frozenset({404, 410})
_DENIED = frozenset({401, 403})
_TOTAL = re.compile(r"bytes (?:\d+-\d+|\*)/(\d{1,18})")
_START = re.compile(r"bytes (\d{1,18})-")
_LENGTH = re.compile(r"\d{1,18}")
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_PORTS = {"https": 443, "http": 80}
_URL_CHARACTERS = "%/:?#[]@!$&'()*+,;=~"


class UnexpectedAnswer(FallbackStorageError, OSError):
    """The site answered with something else than the file: it is neither there nor missing."""

    # The public path.
    __module__ = "fallback_storage.http"
    #: What says that the site is well, to whoever counts its faults.
    status_code = OK


@dataclass(frozen=True)
class Description:
    """What a response says of a file; ``None`` is what it does not say."""

    size: int | None
    modified: datetime | None
    content_type: str | None = None


def error_for(status: int, name: str) -> OSError:
    """Return the error to raise for a status that does not stand for a file."""
    if status in _MISSING:
        return FileNotFoundError(errno.ENOENT, f"HTTP {status}", name)
    if status in _DENIED:
        error: OSError = PermissionError(errno.EACCES, f"HTTP {status}", name)
    else:
        error = OSError(f"HTTP {status} for {name!r}.")
    error.status_code = status  # type: ignore[attr-defined]
    return error


def describe(status: int, headers: Mapping[str, str]) -> Description:
    """Return what a response says of its file: 200, or 206 or 416 to a range of one byte."""
    modified = _modified(headers.get("Last-Modified", ""))
    return Description(_size(status, headers), modified, headers.get("Content-Type"))


def _size(status: int, headers: Mapping[str, str]) -> int | None:
    if status == OK:
        found = _LENGTH.fullmatch(headers.get("Content-Length", ""))
        return int(found[0]) if found and not is_encoded(headers) else None
    found = _TOTAL.fullmatch(headers.get("Content-Range", ""))
    if status == NO_SUCH_RANGE:
        return int(found[1]) if found else 0  # Only an empty file has no first byte.
    return int(found[1]) if found and not is_encoded(headers) else None


def start(headers: Mapping[str, str]) -> int:
    """Return the place of the body's first byte in the file."""
    found = _START.match(headers.get("Content-Range", ""))
    return int(found[1]) if found else 0


def is_encoded(headers: Mapping[str, str]) -> bool:
    """Whether the body is the file in another form, such as compressed."""
    return headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}


def _modified(text: str) -> datetime | None:
    try:
        modified = parsedate_to_datetime(text)
        if modified.tzinfo is None:  # "-0000" is UTC as well.
            modified = modified.replace(tzinfo=UTC)
        if settings.USE_TZ:
            return modified.astimezone(UTC)
        return timezone.make_naive(modified, timezone.get_default_timezone())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def refuse_type(headers: Mapping[str, str], expect: Sequence[str], name: str) -> None:
    """Raise ``UnexpectedAnswer`` if ``expect`` does not have the content type."""
    # What to take a body without a type for (RFC 9110, 8.3).
    given = headers.get("Content-Type") or "application/octet-stream"
    found = _MEDIA_TYPE.match(given.strip().lower())
    kind = found[0] if found else "unknown"
    if expect and not any(fnmatchcase(kind, pattern) for pattern in expect):
        raise UnexpectedAnswer(
            f"The site answered {name!r} with {kind}, not with {' or '.join(expect)}: probably a"
            f" page instead of the file. If it is the file, add {kind} to the option expect."
        )


def follow(base: SplitResult, target: str, location: str) -> str | None:
    """Return where a redirect to ``location`` leads: a path and query on the site of ``base``.

    ``None`` where it leads to another scheme, host or port.
    """
    # Python decodes a header as Latin-1. Encoded again, its bytes are those that the site sent.
    location = quote(location.encode("latin-1", "replace"), safe=_URL_CHARACTERS)
    try:
        there = urlsplit(urljoin(f"{base.scheme}://{base.netloc}{target}", location))
        stays = _origin(there) == _origin(base) and "@" not in there.netloc
    except ValueError:
        return None
    return (there.path or "/") + (f"?{there.query}" if there.query else "") if stays else None


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
