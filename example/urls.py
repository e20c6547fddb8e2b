"""The gallery, the admin, and what was uploaded."""

from __future__ import annotations

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import path

from example.gallery.views import gallery

urlpatterns = [
    path("", gallery, name="gallery"),
    path("admin/", admin.site.urls),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
