"""Whether ``MEDIA_URL`` is served, and by whom."""

from __future__ import annotations

from django.conf import settings
from django.urls import Resolver404
from django.views import static

from fallback_storage import views
from fallback_storage.checks.media import ADVICE, media_path, media_view
from fallback_storage.diagnosis.finding import Findings, note, problem, well

_SUBJECT = "MEDIA_URL"


def media_url() -> Findings:
    """Look for the view that answers below ``MEDIA_URL``."""
    path = media_path()
    if path is None:
        yield well("media-url-elsewhere", _SUBJECT, "is not for this process to serve")
        return
    try:
        view = media_view(path)
    except Resolver404:
        yield from _not_served(path)
    except Exception as error:  # Whatever a module raises when imported.
        yield problem(
            "broken-urlconf",
            _SUBJECT,
            f"the URLconf cannot be imported: {type(error).__name__}",
            "Run manage.py check.",
        )
    else:
        if view is static.serve:
            says = f"{path} is served by Django's own view: files of this disk alone"
            yield note("media-url-past-storage", _SUBJECT, says, ADVICE)
        else:
            by = "views.serve" if view is views.serve else "a view of this project"
            yield well("media-url-served", _SUBJECT, f"{path} is served by {by}")


def _not_served(path: str) -> Findings:
    says = f"no view of this process serves {path}"
    if settings.DEBUG:
        yield problem("media-url-not-served", _SUBJECT, says, ADVICE)
    else:
        advice = f"Your web server has to, or: {ADVICE[0].lower()}{ADVICE[1:]}"
        yield note("media-url-not-served", _SUBJECT, says, advice)
