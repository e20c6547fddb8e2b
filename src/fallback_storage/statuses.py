"""What a library's error carries of a server's answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any


def http_status(error: Exception) -> int | None:
    """Return the HTTP status that ``error`` carries, in whichever way its library has it."""
    response = _attribute(error, "response")
    metadata = response.get("ResponseMetadata") if isinstance(response, Mapping) else None
    candidates = (
        metadata.get("HTTPStatusCode") if isinstance(metadata, Mapping) else None,
        *(_attribute(error, each) for each in ("status_code", "code", "status", "http_status")),
        *(_attribute(response, each) for each in ("status_code", "status")),
    )
    return next((int(c) for c in candidates if isinstance(c, int) and 100 <= c < 600), None)


def _attribute(thing: object, name: str) -> Any:
    """Return an attribute of a library's error, ``None`` if it has none."""
    try:
        return getattr(thing, name, None)
    except Exception:  # A property may raise anything.
        return None


def service_code(error: Exception) -> object:
    """Return what the service calls the error: Amazon's, Azure's and MinIO's codes."""
    response = _attribute(error, "response")
    if isinstance(response, Mapping) and isinstance(response.get("Error"), Mapping):
        return response["Error"].get("Code")
    code = _attribute(error, "code")
    return code if isinstance(code, str) else _attribute(error, "error_code")


def time_of_answer(ask: Callable[[], object]) -> datetime | None:
    """Return when a server sent the answer for which ``ask`` raises, ``None`` if it does not."""
    try:
        ask()
    except Exception as error:
        return sent_at(error)
    return None


def sent_at(error: BaseException | None) -> datetime | None:
    """Return when a server sent the answer that led to ``error``, by the server's own clock."""
    while error is not None:
        response = _attribute(error, "response")
        if isinstance(response, Mapping):
            headers = response.get("ResponseMetadata", {}).get("HTTPHeaders")
        else:
            headers = _attribute(response, "headers")
        if (date := http_date(headers)) is not None:
            return date
        error = error.__cause__ or error.__context__
    return None


def http_date(headers: object) -> datetime | None:
    """Return the header ``Date``; ``None`` where there is none, or none with a time zone."""
    if isinstance(headers, Mapping):
        with suppress(TypeError, ValueError):
            date = parsedate_to_datetime(headers.get("date") or headers.get("Date") or "")
            return date if date.tzinfo is not None else None
    return None
