"""Google Cloud Storage by django-storages."""

from __future__ import annotations

from fallback_storage.backend.adapters.base import Adapter, Client


class GCS(Adapter):
    """GoogleCloudStorage: an upload is one request, which happens or does not."""

    atomic_save = True
    downloads_whole = True
    thread_safe = True
    client = Client(hangs="for 121 s")
