"""Where the applications answer."""

from __future__ import annotations

import private_storage.urls
from django.contrib import admin
from django.urls import include, path
from health_check.views import HealthCheckView
from rest_framework.routers import DefaultRouter
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls

from tests.apps.api import PictureViewSet

router = DefaultRouter()
router.register("pictures", PictureViewSet)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include(router.urls)),
    path("cms/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("filer/", include("filer.urls")),
    path("health/", HealthCheckView.as_view(checks=["health_check.checks.Storage"])),
    path("private/", include(private_storage.urls)),
]
