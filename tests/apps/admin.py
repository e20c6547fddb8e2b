"""The pictures in Django's admin, with the pages of django-import-export."""

from __future__ import annotations

from django.contrib import admin
from import_export.admin import ImportExportModelAdmin
from import_export.tmp_storages import MediaStorage

from tests.apps.models import Picture


@admin.register(Picture)
class PictureAdmin(ImportExportModelAdmin):  # type: ignore[misc]
    """Keeps an upload in the storage between the two pages of an import."""

    tmp_storage_class = MediaStorage
