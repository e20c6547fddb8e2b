"""The gallery, the admin, and what was uploaded."""

from __future__ import annotations

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import path

from example.gallery import views
from fallback_storage.views import serve

urlpatterns = [
    path("", views.gallery, name="gallery"),
    path("posts/<int:pk>/", views.post, name="post"),
    path("upload/", views.upload, name="upload"),
    path("photos/<int:pk>/replace/", views.replace, name="replace"),
    path("photos/<int:pk>/delete/", views.delete, name="delete"),
    path("production/", views.switch, name="switch"),
    path("admin/", admin.site.urls),
    *static(settings.MEDIA_URL, view=serve),
]
