"""Whether ``MEDIA_URL`` is served, and by whom."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.urls import Resolver404, get_script_prefix, resolve
from django.views import static

from fallback_storage import views
from fallback_storage.diagnosis.finding import Findings, note, problem, well

_SUBJECT = "MEDIA_URL"
_ADVICE = (
    "Add static(settings.MEDIA_URL, view=serve) to the URLconf, with"
    " fallback_storage.views.serve: see docs/pictures-in-rich-text.md."
)


def media_url() -> Findings:
    """Look for the view that answers below ``MEDIA_URL``."""
    parts = urlsplit(settings.MEDIA_URL)
    if parts.netloc or not parts.path.strip("/"):
        yield well("media-url-elsewhere", _SUBJECT, "is not for this process to serve")
        return
    path = "/" + parts.path.removeprefix(get_script_prefix()).lstrip("/")
    try:
        view = resolve(f"{path}fallback_storage_probe").func
    except Resolver404:
        yield from _not_served(parts.path)
    except Exception as error:  # Whatever a module raises when imported.
        yield problem(
            "broken-urlconf",
            _SUBJECT,
            f"the URLconf cannot be imported: {type(error).__name__}",
            "Run manage.py check.",
        )
    else:
        if view is static.serve:
            says = f"{parts.path} is served by Django's own view: files of this disk alone"
            yield note("media-url-past-storage", _SUBJECT, says, _ADVICE)
        else:
            by = "views.serve" if view is views.serve else "a view of this project"
            yield well("media-url-served", _SUBJECT, f"{parts.path} is served by {by}")


def _not_served(path: str) -> Findings:
    says = f"no view of this process serves {path}"
    if settings.DEBUG:
        yield problem("media-url-not-served", _SUBJECT, says, _ADVICE)
    else:
        advice = f"Your web server has to, or: {_ADVICE[0].lower()}{_ADVICE[1:]}"
        yield note("media-url-not-served", _SUBJECT, says, advice)
