"""The storages that the cells are made of, and all that lies in one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage

from fallback_storage.combined.base import CombinedStorage


def storage_of(name: str, kind: str, directory: Path) -> Storage:
    if kind == "memory":
        return InMemoryStorage(location=f"/memory/{name}", base_url=f"https://{name}.example/")
    location = mkdtemp(dir=directory)
    if kind == "remote":
        os.mkdir(os.path.join(location, "dir"))  # It has no directories to be missed.
    return FileSystemStorage(location=location, base_url=f"https://{name}.example/")


def files_of(storage: Storage, directory: str = "") -> Iterator[tuple[str, bytes]]:
    directories, files = storage.listdir(directory)
    for name in files:
        with storage.open(f"{directory}{name}") as file:
            file.seek(0)  # InMemoryStorage hands out the same file again.
            yield f"{directory}{name}", file.read()
    for name in directories:
        yield from files_of(storage, f"{directory}{name}/")


def reset_breakers(storage: CombinedStorage) -> None:
    """What is staged now is met as if nothing had been met before."""
    for backend in storage.backends:
        if backend.breaker is not None:
            backend.breaker.reset()
