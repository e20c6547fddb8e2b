"""The admin, and a view that sends a document's file."""

from __future__ import annotations

from django.contrib import admin
from django.http import FileResponse, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import path

from .models import Document


def download(request: HttpRequest, pk: int) -> FileResponse:
    document = get_object_or_404(Document, pk=pk)
    return FileResponse(document.file.open("rb"), as_attachment=True)


urlpatterns = [
    path("admin/", admin.site.urls),
    path("documents/<int:pk>/", download, name="download"),
]
