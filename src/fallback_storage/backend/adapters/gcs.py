"""Google Cloud Storage by django-storages."""

from __future__ import annotations

import copy
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django.core.files.base import File

from fallback_storage.backend.adapters.base import PROBE
from fallback_storage.backend.adapters.client import Client
from fallback_storage.backend.adapters.conditional import Conditional
from fallback_storage.backend.copied import Facts
from fallback_storage.backend.permission import Permission, Writing
from fallback_storage.statuses import http_status, time_of_answer

# Precondition failed: there is an object of that name.
_TAKEN = 412
_WRITES = ("storage.objects.create", "storage.objects.delete", "storage.objects.update")


class GCS(Conditional):
    """GoogleCloudStorage: an upload is one request, which happens or does not."""

    atomic_save = True
    downloads_whole = True
    thread_safe = True
    create_needs = ("_save", "_open", "exists", "delete", "bucket")
    client: ClassVar[Client | None] = Client(hangs="for 121 s")

    def facts(self, file: Any) -> Facts:
        found = getattr(file, "blob", None)
        return Facts() if found is None else Facts(found.content_type, found.updated)

    def refuses_mode(self, mode: str) -> bool:
        return "w" not in mode

    def _create(self, name: str, content: File[bytes]) -> str:
        storage = copy.copy(self.storage)
        storage._bucket = _NewBlobs(self.storage.bucket)
        return str(storage._save(name, content))

    def _says_taken(self, error: Exception) -> bool:
        return http_status(error) == _TAKEN

    def write_permission(self) -> Permission:
        found = self.storage.bucket.test_iam_permissions(list(_WRITES))
        if found:
            return Permission(Writing.CAN, f"testIamPermissions: {', '.join(sorted(found))}")
        return Permission(Writing.NOT_SEEN, "testIamPermissions: none")

    def server_time(self) -> datetime | None:
        return time_of_answer(lambda: self.storage.bucket.blob(PROBE).reload())


class _NewBlobs:
    """Stands for a bucket in a save: what it uploads is not to be there yet."""

    def __init__(self, bucket: Any) -> None:
        self._bucket = bucket

    def get_blob(self, name: str, **options: Any) -> Any:
        # Its own asks for the blob that is there, which costs a request.
        blob = self._bucket.blob(name, **options)
        blob.upload_from_file = partial(blob.upload_from_file, if_generation_match=0)
        return blob
