"""MinIO by django-minio-storage."""

from __future__ import annotations

from fallback_storage.backend.adapters.downloaded import Downloaded
from fallback_storage.outcomes import Outcome, classify


class MinIO(Downloaded):
    """MinioStorage: an upload is one request, which happens or does not."""

    atomic_save = True

    def exists(self, name: str) -> bool:
        # Its own is False whatever happens, an outage included.
        storage = self.built
        try:
            storage.client.stat_object(
                bucket_name=storage.bucket_name, object_name=storage._sanitize_path(name)
            )
        except Exception as error:
            if classify(error) is Outcome.MISSING:
                return False
            raise
        return True
