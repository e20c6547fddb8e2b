"""Files served through a combined storage: for what refers to ``MEDIA_URL`` without asking it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import DEFAULT_STORAGE_ALIAS, settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, SuspiciousOperation
from django.core.files.storage import storages
from django.core.handlers.asgi import ASGIRequest
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from fallback_storage.combined.base import CombinedStorage
from fallback_storage.combined.members import Members
from fallback_storage.combined.paths import is_on_disk
from fallback_storage.combined.promotion import promote
from fallback_storage.combined.reads import holder
from fallback_storage.errors import StorageUnavailable
from fallback_storage.outcomes import classify
from fallback_storage.serving.opening import Opened, opened, opened_here
from fallback_storage.serving.ranges import Range, wanted
from fallback_storage.serving.streams import AsyncStream, Stream

__all__ = ["serve"]

#: How many files of remote backends a process sends at a time.
REMOTE_STREAMS = 32
# How many seconds a client is to wait that could not be served.
_RETRY_AFTER = 5
# How many seconds a browser may remember where a file was.
_REDIRECT_SECONDS = 60
_NOT_MODIFIED, _NOT_SATISFIABLE = 304, 416
_remote_streams = threading.BoundedSemaphore(REMOTE_STREAMS)


class _Busy(Exception):
    """As many files of remote backends are sent as may be."""


@require_safe
def serve(
    request: HttpRequest,
    path: str,
    *,
    storage: str = DEFAULT_STORAGE_ALIAS,
    mode: str = "stream",
    allow: bool = False,
    authorize: Callable[[HttpRequest, str], bool] | None = None,
    sandbox: bool = True,
    cache_control: str = "private",
) -> HttpResponseBase:
    """Serve a file of a combined storage, from the first backend that has it.

    It is 404 without ``DEBUG``, unless ``allow``. ``mode="redirect"`` sends clients to the URL of
    a file that the first backend lacks. ``authorize`` says who may see a name. HTML, SVG and XML
    are sandboxed, unless ``sandbox`` is off. Where a backend could not answer it is 503.
    """
    if not (settings.DEBUG or allow):
        raise Http404("Files are served with DEBUG or allow=True alone.")
    if mode not in {"stream", "redirect"}:
        raise ImproperlyConfigured(f"serve: mode must be 'stream' or 'redirect', not {mode!r}.")
    combined = _combined(storage)
    name = _name(combined, path)
    if authorize is not None and not authorize(request, name):
        raise PermissionDenied
    try:
        _refuse_nowhere(combined.members, name)
        response = _redirected(request, combined, name) if mode == "redirect" else None
        response = response or _served(request, combined, name, sandbox=sandbox)
    except FileNotFoundError:
        combined.members.nowhere.add(name)
        raise Http404(f"No backend has {name!r}.") from None
    except Exception as error:
        return _unavailable(error)
    response.headers.setdefault("Cache-Control", cache_control)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _combined(alias: str) -> CombinedStorage:
    found = storages[alias]
    if not isinstance(found, CombinedStorage):
        raise ImproperlyConfigured(f"serve: {alias!r} is no combined storage of STORAGES.")
    return found


def _name(combined: CombinedStorage, path: str) -> str:
    try:
        return combined._file_name(path)
    except SuspiciousOperation:
        raise Http404(f"{path!r} is not the name of a file.") from None


def _served(
    request: HttpRequest, combined: CombinedStorage, name: str, *, sandbox: bool
) -> HttpResponseBase:
    members = combined.members
    part = None if request.method == "HEAD" else wanted(request.headers.get("Range"))
    with ExitStack() as stack:
        found = opened_here(members, name) or _elsewhere(request, members, name, part, stack)
        if part and not found.representation.allows_range(request.headers.get("If-Range")):
            if found.backend.is_remote:  # It may hold no more than the part.
                found.file.close()
                found = opened(members, name, None)
            part = None
        stack.callback(found.file.close)
        said = found.representation
        response = _response(request, found, part, stack)
        said.describe(response, sandbox=sandbox)
    unmodified = get_conditional_response(request, said.etag, said.last_modified)
    if unmodified is None:
        return response
    response.close()
    if unmodified.status_code == _NOT_MODIFIED:
        for header in ("ETag", "Last-Modified"):
            unmodified[header] = response[header]
    return unmodified


def _refuse_nowhere(members: Members, name: str) -> None:
    if name in members.nowhere and not is_on_disk(members, name):
        raise FileNotFoundError(name)


def _elsewhere(
    request: HttpRequest, members: Members, name: str, part: Range | None, stack: ExitStack
) -> Opened:
    """Open a file that the first backend lacks, or did when it was asked; promote it first."""
    on_disk = is_on_disk(members, name)
    if not on_disk and request.method != "HEAD":  # Who only asks needs no copy.
        promote(members, name)
        on_disk = is_on_disk(members, name)
    if not on_disk:
        stack.callback(_take_turn())
    return opened(members, name, part)


def _response(
    request: HttpRequest, found: Opened, part: Range | None, stack: ExitStack
) -> HttpResponseBase:
    """Return a response with a file, or a part of it, which ``stack`` closes or the response."""
    size = found.representation.size
    whole = Range(0, size)
    given = whole if part is None else part.within(size)
    if given is None:
        return HttpResponse(status=_NOT_SATISFIABLE, headers={"Content-Range": f"bytes */{size}"})
    length = (given.stop or 0) - given.start
    if request.method == "HEAD":
        response: HttpResponseBase = HttpResponse()
    else:
        found.seek(given.start)
        stream: Any = Stream(found.file, length, stack.pop_all().close)
        if isinstance(request, ASGIRequest):
            stream = AsyncStream(stream)
        response = StreamingHttpResponse(stream, status=200 if part is None else 206)
    response["Content-Length"] = length
    if part is not None:
        response["Content-Range"] = f"bytes {given.start}-{given.start + length - 1}/{size}"
    return response


def _redirected(
    request: HttpRequest, combined: CombinedStorage, name: str
) -> HttpResponseBase | None:
    """Return a redirect to the URL of the backend that has a file; ``None``: serve it here."""
    members = combined.members
    found = holder(members, "url", name)
    if found is None:
        raise FileNotFoundError(name)
    if found is members.backends[0]:
        return None
    url = found.url(name)
    there = urlsplit(request.build_absolute_uri(url))
    if there.netloc == request.get_host() and unquote(there.path) == unquote(request.path):
        return None  # It leads back here.
    response = HttpResponseRedirect(url)
    response["Cache-Control"] = f"private, max-age={_REDIRECT_SECONDS}"
    return response


def _take_turn() -> Callable[[], None]:
    if not _remote_streams.acquire(blocking=False):
        raise _Busy
    return _remote_streams.release


def _unavailable(error: Exception) -> HttpResponse:
    """Return 503 for what a backend could not answer; raise what is a mistake here."""
    said = "This file cannot be served now."
    if isinstance(error, _Busy):
        said = "Too many files are being sent at the moment."
    elif not classify(error).is_fault:
        raise error
    elif settings.DEBUG:
        backends = error.failures if isinstance(error, StorageUnavailable) else {}
        said = f"{said} No answer from {', '.join(backends) or type(error).__name__}."
    return HttpResponse(
        said,
        status=503,
        content_type="text/plain; charset=utf-8",
        headers={"Retry-After": str(_RETRY_AFTER), "Cache-Control": "no-store"},
    )
