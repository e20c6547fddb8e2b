"""OpenStack Swift by django-storage-swift."""

from __future__ import annotations

from django.core.files.base import File

from fallback_storage.backend.adapters.asking import is_found
from fallback_storage.backend.adapters.conditional import Conditional
from fallback_storage.backend.adapters.downloaded import Downloaded
from fallback_storage.statuses import http_status

# What a server answers that has a file of the name.
_PRECONDITION_FAILED = 412


class Swift(Conditional, Downloaded):
    """SwiftStorage: an upload is one request, which happens or does not."""

    atomic_save = True

    def _create(self, name: str, content: File[bytes]) -> str:
        return str(self.built._save(name, content, headers={"If-None-Match": "*"}))

    def _says_taken(self, error: Exception) -> bool:
        return http_status(error) == _PRECONDITION_FAILED

    def exists(self, name: str) -> bool:
        # Its own is False whatever the server answers.
        storage = self.built
        return is_found(lambda: storage.get_headers(storage.name_prefix + name))

    def delete(self, name: str) -> None:
        # Its own is silent whatever the server answers.
        storage = self.built
        key = storage.name_prefix + name
        is_found(lambda: storage.swift_conn.delete_object(storage.container_name, key))
