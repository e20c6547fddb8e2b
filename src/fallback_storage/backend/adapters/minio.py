"""MinIO by django-minio-storage."""

from __future__ import annotations

from fallback_storage.backend.adapters.asking import is_found
from fallback_storage.backend.adapters.downloaded import Downloaded


class MinIO(Downloaded):
    """MinioStorage: an upload is one request, which happens or does not."""

    atomic_save = True

    def exists(self, name: str) -> bool:
        # Its own is False whatever happens, an outage included.
        storage = self.built
        key = storage._sanitize_path(name)
        return is_found(
            lambda: storage.client.stat_object(bucket_name=storage.bucket_name, object_name=key)
        )
