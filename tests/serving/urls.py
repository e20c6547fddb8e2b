"""The view as a project has it, with each of its options."""

from __future__ import annotations

from django.conf.urls.static import static
from django.http import HttpRequest
from django.urls import path

from fallback_storage.views import serve


def is_friend(request: HttpRequest, name: str) -> bool:
    return request.headers.get("X-Friend") == "yes" and not name.startswith("secret/")


def at(prefix: str, **options: object) -> object:
    return path(f"{prefix}/<path:path>", serve, options)


urlpatterns = [
    *static("/media/", view=serve),
    path("debug/<path:path>", serve),
    at("allowed", allow=True),
    at("redirecting", allow=True, mode="redirect"),
    at("friends", allow=True, authorize=is_friend),
    at("open", allow=True, sandbox=False, cache_control="public, max-age=60"),
    at("wrong", allow=True, mode="hotlink"),
    at("plain", allow=True, storage="plain"),
]
