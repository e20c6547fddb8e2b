"""The one place that knows a backend by its class.

A storage that keeps Django's contract needs nothing here. Each adapter names what its class does
otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.files.base import File

from fallback_storage.backend import disk
from fallback_storage.backend.adapters.base import Adapter, Unless
from fallback_storage.backend.adapters.one_connection import FTP, SFTP
from fallback_storage.file_locks import directory_locked
from fallback_storage.outcomes import Outcome, classify, http_status


class _WholeObjects(Adapter):
    """An object store: an upload is one request, which happens or does not."""

    saves_whole = True
    downloads_whole = True


class _S3(_WholeObjects):
    replaces = frozenset({"exists"})

    def exists(self, storage: Any, name: str) -> bool:
        if not name:
            raise NotImplementedError("The root of a bucket is no object.")
        exists: bool = storage.exists(name)
        return exists

    def proves_open(self, file: Any) -> bool:
        return "storages.backends.s3.S3File" in _names(file)  # It sends a HEAD when built.

    def refuses_mode(self, mode: str) -> bool:
        return "a" in mode or "+" in mode

    def create(self, storage: Any, name: str, content: File[bytes], unless: Unless) -> bool | None:
        # A subclass may store in another way.
        if _names(storage)[0] != "storages.backends.s3.S3Storage" or storage.gzip:
            return None
        return not (unless and unless()) and _put_if_absent(storage, name, content)


def _put_if_absent(storage: Any, name: str, content: File[bytes]) -> bool:
    key = storage._normalize_name(name)
    parameters = storage._get_write_parameters(key, content)
    try:
        storage.bucket.Object(key).put(Body=content, IfNoneMatch="*", **parameters)
    except Exception as error:
        if http_status(error) in _TAKEN:
            return False
        raise
    return True


class _Local(Adapter):
    """Files on this machine's disk."""

    stages = True
    replaces = frozenset({"listdir"})

    def listdir(self, storage: Any, path: str) -> tuple[list[str], list[str]]:
        directories, files = storage.listdir(path)
        return directories, [name for name in files if not name.startswith(disk.TEMPORARY)]

    def create(self, storage: Any, name: str, content: File[bytes], unless: Unless) -> bool | None:
        path = storage.path(name)
        with disk.staged(storage, name, content) as staged:
            if unless is None:
                return disk.publish(staged, path)
            with directory_locked(os.path.dirname(path)):
                return not unless() and disk.publish(staged, path)

    def replace(self, storage: Any, name: str, content: File[bytes]) -> None:
        """Put a file in the place of another at once."""
        with disk.staged(storage, name, content) as staged:
            os.replace(staged, storage.path(name))

    @contextmanager
    def locked(self, storage: Any, name: str) -> Iterator[None]:
        directory = os.path.dirname(storage.path(name))
        disk.make_directories(directory, storage.directory_permissions_mode)
        with directory_locked(directory):
            yield


class _Memory(Adapter):
    def says_missing(self, error: Exception) -> bool:
        # "a/b" where "a" is a file.
        return isinstance(error, FileExistsError) and isinstance(
            error.__context__, NotADirectoryError
        )


class _Azure(_WholeObjects):
    replaces = frozenset({"exists", "listdir"})

    def exists(self, storage: Any, name: str) -> bool:
        if not name:
            return True
        try:
            storage.size(name)  # The same request; its own takes a missing container for "no".
        except Exception as error:
            if classify(error) is not Outcome.MISSING:
                raise
            return False
        return True

    def listdir(self, storage: Any, path: str) -> tuple[list[str], list[str]]:
        # Its own gives full names, of all that lies below, and the root's whatever its location.
        prefix = "".join(f"{part}/" for part in (storage.location.strip("/"), path) if part)
        blobs = storage.client.walk_blobs(name_starts_with=prefix, timeout=storage.timeout)
        names = [blob.name.removeprefix(prefix) for blob in blobs]
        directories = [name.rstrip("/") for name in names if name.endswith("/")]
        return directories, [name for name in names if not name.endswith("/")]


# Precondition failed; conflict with another conditional request, which wins.
_TAKEN = frozenset({409, 412})
_PLAIN = Adapter()
_ADAPTERS: dict[str, Adapter] = {
    "django.core.files.storage.filesystem.FileSystemStorage": _Local(),
    "django.core.files.storage.memory.InMemoryStorage": _Memory(),
    "storages.backends.azure_storage.AzureStorage": _Azure(),
    "storages.backends.ftp.FTPStorage": FTP(),
    "storages.backends.gcloud.GoogleCloudStorage": _WholeObjects(),
    "storages.backends.s3.S3Storage": _S3(),
    "storages.backends.sftpstorage.SFTPStorage": SFTP(),
}
# Of these very classes it is known that several threads may ask at once. A subclass may find its
# tenant in a thread-local, or its files in a database.
_THREAD_SAFE = frozenset(
    {
        "django.core.files.storage.filesystem.FileSystemStorage",
        "fallback_storage.http.HTTPStorage",
        "storages.backends.azure_storage.AzureStorage",
        "storages.backends.gcloud.GoogleCloudStorage",
        "storages.backends.s3.S3Storage",
    }
)
# How storages say that a save on a taken name replaces the file.
_OVERWRITE_FLAGS = ("file_overwrite", "overwrite_files", "allow_overwrite", "_allow_overwrite")


def adapter_for(storage: object) -> Adapter:
    """Return the adapter of the nearest class of ``storage`` that has one."""
    return next((_ADAPTERS[name] for name in _names(storage) if name in _ADAPTERS), _PLAIN)


def is_thread_safe(storage: object) -> bool:
    """Whether it is known that several threads may ask ``storage`` at once."""
    return _names(storage)[0] in _THREAD_SAFE


def overwrites(storage: object) -> bool:
    """Whether its owner wants a save on a taken name to replace the file."""
    return any(getattr(storage, flag, False) is True for flag in _OVERWRITE_FLAGS)


def _names(instance: object) -> list[str]:
    return [f"{cls.__module__}.{cls.__qualname__}" for cls in type(instance).__mro__]
