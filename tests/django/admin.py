from __future__ import annotations

from django.contrib import admin

from .models import Document, Picture

admin.site.register([Document, Picture])
