"""The one place that knows a backend by its class: a file for each kind of storage.

A storage that keeps Django's contract needs nothing here. Each adapter names what its class does
otherwise. Classes are known by their paths, so that none of their packages has to be installed.
"""

from __future__ import annotations

from typing import Any

from fallback_storage.backend.adapters.azure import Azure
from fallback_storage.backend.adapters.base import Adapter
from fallback_storage.backend.adapters.composed import Composed
from fallback_storage.backend.adapters.ftp import FTP
from fallback_storage.backend.adapters.gcs import GCS
from fallback_storage.backend.adapters.http import HTTP
from fallback_storage.backend.adapters.late import LateStorage
from fallback_storage.backend.adapters.local import Local
from fallback_storage.backend.adapters.memory import Memory
from fallback_storage.backend.adapters.minio import MinIO
from fallback_storage.backend.adapters.s3 import S3
from fallback_storage.backend.adapters.sftp import SFTP
from fallback_storage.backend.adapters.swift import Swift
from fallback_storage.backend.adapters.webdav import WebDAV
from fallback_storage.outcomes import paths_of

__all__ = ["Adapter", "LateStorage", "adapter_class", "adapter_for", "bound_to_a_thread"]

_ADAPTERS: dict[str, type[Adapter]] = {
    "django.core.files.storage.filesystem.FileSystemStorage": Local,
    "django.core.files.storage.memory.InMemoryStorage": Memory,
    "django_webdav_storage.storage.WebDavStorage": WebDAV,
    "fallback_storage.combined.base.CombinedStorage": Composed,
    "fallback_storage.http.HTTPStorage": HTTP,
    "fallback_storage.testing.faulty.FaultyStorage": Composed,
    "minio_storage.storage.MinioStorage": MinIO,
    "storages.backends.azure_storage.AzureStorage": Azure,
    "storages.backends.ftp.FTPStorage": FTP,
    "storages.backends.gcloud.GoogleCloudStorage": GCS,
    "storages.backends.s3.S3Storage": S3,
    "storages.backends.sftpstorage.SFTPStorage": SFTP,
    "swift.storage.SwiftStorage": Swift,
}
# Packages whose storages ask the database, or ask what belongs to a thread which tenant it is for.
_BOUND_TO_A_THREAD = frozenset(
    {
        "binary_database_files",
        "database_files",
        "db_file_storage",
        "dbfiles",
        "dbfilestorage",
        "dbstorage",
        "django_dbstorage",
        "django_single_table_db_storage",
        "django_tenants",
        "easy_tenants",
        "tenant_schemas",
    }
)


def adapter_for(storage: Any) -> Adapter:
    """Return the adapter of a storage: that of its nearest class that has one.

    Of a storage that is not built yet only what connects when it is built is known.
    """
    if type(storage) is LateStorage and not adapter_class(storage.__class__).connects_when_built:
        return Adapter(storage)
    for cls in storage.__class__.__mro__:
        adapter = _ADAPTERS.get(f"{cls.__module__}.{cls.__qualname__}")
        if adapter is not None:
            return adapter(storage, cls)
    return Adapter(storage)


def adapter_class(cls: type) -> type[Adapter]:
    """Return the adapter that a storage of a class would have."""
    return next((_ADAPTERS[path] for path in paths_of(cls) if path in _ADAPTERS), Adapter)


def bound_to_a_thread(cls: type) -> str | None:
    """Return the path of the class that uses what a thread has for itself, if one does.

    A database connection, for one.
    """
    paths = paths_of(cls)
    return next((path for path in paths if path.split(".")[0] in _BOUND_TO_A_THREAD), None)
