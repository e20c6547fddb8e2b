"""What the checks find about ``MEDIA_URL``: whether what refers to it comes to the storage."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.conf import DEFAULT_STORAGE_ALIAS, settings
from django.core import checks
from django.urls import Resolver404, get_script_prefix, resolve
from django.views import static

from fallback_storage.backend.adapters.base import PROBE
from fallback_storage.checks.configured import Configured, Messages, of_each

#: What to write where ``MEDIA_URL`` is not served through the storage.
ADVICE = (
    "Add static(settings.MEDIA_URL, view=serve) to the URLconf, with"
    " fallback_storage.views.serve: see docs/pictures-in-rich-text.md."
)


def media_path() -> str | None:
    """Return the path of ``MEDIA_URL``; ``None`` where it is not for this process to serve."""
    parts = urlsplit(settings.MEDIA_URL)
    return None if parts.netloc or not parts.path.strip("/") else parts.path


def media_view(path: str) -> Callable[..., Any]:
    """Return the view that answers below ``path``.

    Raises ``Resolver404`` where there is none, and whatever the URLconf raises when imported.
    """
    path = "/" + path.removeprefix(get_script_prefix()).lstrip("/")
    return resolve(f"{path}{PROBE}").func


@of_each
def media_past_storage(configured: Configured) -> Messages:
    is_default = configured.where == f"STORAGES[{DEFAULT_STORAGE_ALIAS!r}]"
    if not (is_default and configured.cls.writes_only_first):
        return
    with suppress(Exception):  # Whatever a URLconf raises: that is for Django's own check.
        if (says := _past_storage()) is not None:
            yield checks.Warning(
                f"{configured.where} is an overlay, and {says}: what pages refer to by"
                " MEDIA_URL does not come from its lower backends.",
                hint=ADVICE,
                id="fallback_storage.W013",
            )


def _past_storage() -> str | None:
    """Return who answers below ``MEDIA_URL`` in the place of the storage, ``None`` if it may."""
    path = media_path()
    if path is None:
        return None
    try:
        view = media_view(path)
    except Resolver404:
        return f"no view serves {path}" if settings.DEBUG else None
    return f"Django's own view serves {path}" if view is static.serve else None


WARNINGS = (media_past_storage,)
