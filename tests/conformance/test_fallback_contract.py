"""The contract of a storage over FallbackStorage, whatever it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage

from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage, StorageContract


def read_only(storage: Storage) -> Mapping[str, Any]:
    return {"BACKEND": storage, "READ_ONLY": True}


class CombinedContract(StorageContract):
    """What every composition shares: the factory."""

    supports_path = True
    options: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture(autouse=True)
    def _directory(self, tmp_path: Path) -> None:
        self.directory = tmp_path

    def fs(self) -> Storage:
        return FileSystemStorage(location=mkdtemp(dir=self.directory))

    def backends(self) -> Sequence[Storage | Mapping[str, Any]]:
        raise NotImplementedError

    def make_storage(self) -> Storage:
        return FallbackStorage(backends=self.backends(), **self.options)


class TestOneDirectory(CombinedContract):
    """Over FileSystemStorage the promises hold that it breaks alone."""

    def backends(self) -> Sequence[Storage | Mapping[str, Any]]:
        return [self.fs()]


class TestTwoDirectories(CombinedContract):
    def backends(self) -> Sequence[Storage | Mapping[str, Any]]:
        return [self.fs(), self.fs()]


class TestDirectoryOverReadOnlyOne(CombinedContract):
    def backends(self) -> Sequence[Storage | Mapping[str, Any]]:
        return [self.fs(), read_only(self.fs())]


class TestDirectoryOverMemory(CombinedContract):
    def backends(self) -> Sequence[Storage | Mapping[str, Any]]:
        return [self.fs(), InMemoryStorage()]


class TestReadOnlyDirectoryOverDirectory(CombinedContract):
    def backends(self) -> Sequence[Storage | Mapping[str, Any]]:
        return [read_only(self.fs()), self.fs()]


class TestNested(CombinedContract):
    def backends(self) -> Sequence[Storage | Mapping[str, Any]]:
        return [FallbackStorage(backends=[self.fs(), self.fs()]), self.fs()]

class TestMemoryOverDirectory(CombinedContract):
    def backends(self) -> Sequence[Storage | Mapping[str, Any]]:
        return [InMemoryStorage(), self.fs()]

class TestLazyRemoteOverDirectory(CombinedContract):
    def backends(self) -> Sequence[Storage | Mapping[str, Any]]:
        return [RemoteFaultyStorage(self.fs()).stage("open", lazy=True), self.fs()]

class TestRefusingOverDirectory(CombinedContract):
    def backends(self) -> Sequence[Storage | Mapping[str, Any]]:
        return [FaultyStorage(self.fs()).refusing(), self.fs()]
