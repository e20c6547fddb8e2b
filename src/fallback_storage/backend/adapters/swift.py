"""OpenStack Swift by django-storage-swift."""

from __future__ import annotations

from functools import cached_property

from django.core.files.base import File

from fallback_storage.backend.adapters.base import SkipIf
from fallback_storage.backend.adapters.downloaded import Downloaded
from fallback_storage.outcomes import Outcome, classify
from fallback_storage.statuses import http_status

# What a server answers that has a file of the name.
_PRECONDITION_FAILED = 412


class Swift(Downloaded):
    """SwiftStorage: an upload is one request, which happens or does not."""

    atomic_save = True

    @cached_property
    def can_create(self) -> bool:
        return self.keeps("_save", "_open", "delete")

    def create(self, name: str, content: File[bytes], skip_if: SkipIf) -> str | None:
        if not self.can_create:
            return super().create(name, content, skip_if)
        if skip_if and skip_if():
            return None
        try:
            return str(self.built._save(name, content, headers={"If-None-Match": "*"}))
        except Exception as error:
            if http_status(error) == _PRECONDITION_FAILED:
                return None
            raise

    def exists(self, name: str) -> bool:
        # Its own is False whatever the server answers.
        storage = self.built
        try:
            storage.get_headers(storage.name_prefix + name)
        except Exception as error:
            if classify(error) is Outcome.MISSING:
                return False
            raise
        return True

    def delete(self, name: str) -> None:
        # Its own is silent whatever the server answers.
        storage = self.built
        try:
            storage.swift_conn.delete_object(storage.container_name, storage.name_prefix + name)
        except Exception as error:
            if classify(error) is not Outcome.MISSING:
                raise
