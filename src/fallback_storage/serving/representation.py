"""What a response says of a file."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from functools import cached_property

from django.http.response import HttpResponseBase
from django.utils.http import http_date, parse_http_date_safe

from fallback_storage.backend.copied import Facts
from fallback_storage.times import aware

_UNKNOWN = "application/octet-stream"
# What a browser runs scripts of.
_ACTIVE = frozenset({"text/html", "application/xhtml+xml", "text/xml", "application/xml"})


@dataclass(frozen=True)
class Representation:
    """A file as it is now."""

    name: str
    size: int
    facts: Facts

    @cached_property
    def etag(self) -> str | None:
        """A strong validator: of another time or another size is another content.

        A promoted copy is as old as its file, so that it has the same.
        """
        if self._timestamp is None:
            return None
        return f'"{int(self._timestamp * 1_000_000):x}-{self.size:x}"'

    @cached_property
    def last_modified(self) -> int | None:
        """When it was changed last, in whole seconds."""
        return None if self._timestamp is None else int(self._timestamp)

    @cached_property
    def _timestamp(self) -> float | None:
        time = self.facts.modified
        return None if time is None else aware(time).timestamp()

    def allows_range(self, if_range: str | None) -> bool:
        """Return whether a range is of the file that the client has the rest of (``If-Range``)."""
        if if_range is None:
            return True
        if if_range.startswith(('"', "W/")):
            return if_range == self.etag
        return parse_http_date_safe(if_range) == self.last_modified is not None

    def describe(self, response: HttpResponseBase, *, sandbox: bool) -> None:
        """Put what is known of the file into the headers of a response."""
        guessed, encoding = mimetypes.guess_type(self.name)
        content_type = guessed or self.facts.content_type or _UNKNOWN
        response["Content-Type"] = content_type
        if encoding := self.facts.encoding or encoding:
            response["Content-Encoding"] = encoding
        if self.etag is not None and self.last_modified is not None:
            response["ETag"] = self.etag
            response["Last-Modified"] = http_date(self.last_modified)
        response["Accept-Ranges"] = "bytes"
        if sandbox and is_active(content_type):
            response["Content-Security-Policy"] = "sandbox"


def is_active(content_type: str) -> bool:
    """Return whether a browser may run what is in a file of that type."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in _ACTIVE or kind.endswith("+xml")
