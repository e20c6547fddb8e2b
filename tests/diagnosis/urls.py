"""What may answer below MEDIA_URL, well and not."""

from __future__ import annotations

from django.conf.urls.static import static
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.views.static import serve as serve_disk

from fallback_storage.views import serve


def login(request: HttpRequest, path: str = "") -> HttpResponse:
    return HttpResponse("<html>Who are you?</html>")


def to_login(request: HttpRequest, path: str) -> HttpResponse:
    return HttpResponseRedirect("/login/?next=secret")


def in_a_circle(request: HttpRequest, path: str) -> HttpResponse:
    return HttpResponseRedirect(f"{request.path}?again")


def forbidden(request: HttpRequest, path: str) -> HttpResponse:
    return HttpResponse(status=403)


urlpatterns = [
    path("media/<path:path>", serve, {"allow": True}),
    path("disk/<path:path>", serve_disk, {"document_root": "/nowhere"}),
    path("private/<path:path>", to_login),
    path("circle/<path:path>", in_a_circle),
    path("forbidden/<path:path>", forbidden),
    path("login/", login),
    *static("/debug/", view=serve),
]
