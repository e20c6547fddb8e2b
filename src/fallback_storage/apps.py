from __future__ import annotations

from django.apps import AppConfig


class FallbackStorageConfig(AppConfig):
    name = "fallback_storage"
    verbose_name: str = "Fallback storage"

    def ready(self) -> None:
        from fallback_storage import checks

        checks.register()
