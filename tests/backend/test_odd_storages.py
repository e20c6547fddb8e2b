"""Storages that say what they are in ways of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.utils.functional import LazyObject

from fallback_storage.errors import StorageUnavailable
from fallback_storage.storage import FallbackStorage, OverlayStorage
from tests.remotes import Remote


class Raises(Remote):
    """As minio-backend, Swift and B2: a method that only says that there is none."""

    def path(self, name: str) -> str:
        raise RuntimeError("There are no paths.")


class ReturnsTheName(Remote):
    def path(self, name: str) -> str:
        return name


class ReturnsNothing(Remote):
    def path(self, name: str) -> Any:
        return None


class Sharded(FileSystemStorage):
    def path(self, name: str) -> str:
        return super().path(f"{name[:1]}/{name}")


class Lazy(LazyObject):  # type: ignore[type-arg]
    """As ``staticfiles_storage``."""

    def _setup(self) -> None:
        self._wrapped = InMemoryStorage()


class Duck:
    """Has the methods, and derives from nothing."""

    def __init__(self) -> None:
        self._inner = InMemoryStorage()

    def open(self, name: str, mode: str = "rb") -> Any:
        return self._inner.open(name, mode)

    def _save(self, name: str, content: Any) -> str:
        return str(self._inner._save(name, content))  # type: ignore[attr-defined]

    def exists(self, name: str) -> bool:
        return self._inner.exists(name)

    def size(self, name: str) -> int:
        return self._inner.size(name)

    def delete(self, name: str) -> None:
        self._inner.delete(name)


@pytest.mark.parametrize("storage", [Remote, Raises, ReturnsTheName, ReturnsNothing])
def test_a_storage_without_local_paths_has_a_breaker(storage: type[Storage]) -> None:
    backend = FallbackStorage(backends=[storage(), InMemoryStorage()]).backends[0]
    assert backend.is_remote
    assert backend.breaker is not None


def test_a_storage_whose_paths_are_its_own_is_local(tmp_path: Path) -> None:
    for storage in (FileSystemStorage(tmp_path), Sharded(tmp_path)):
        backend = FallbackStorage(backends=[storage, InMemoryStorage()]).backends[0]
        assert not backend.is_remote
        assert backend.breaker is None


def test_a_combined_storage_is_not_asked_for_a_path_when_another_is_built_of_it() -> None:
    inner = FallbackStorage(backends=[InMemoryStorage(), InMemoryStorage()])
    backend = FallbackStorage(backends=[inner, InMemoryStorage()]).backends[0]
    assert backend.breaker is None


@pytest.mark.parametrize("make", [Lazy, lambda: f"{__name__}.Duck"])
@pytest.mark.parametrize("cls", [FallbackStorage, OverlayStorage])
def test_lazy_storages_and_ducks_work_in_every_place(make: Any, cls: Any) -> None:
    for place in range(2):
        backends: list[Any] = [InMemoryStorage(), InMemoryStorage()]
        backends[place] = make()
        storage = cls(backends=backends)
        storage.backends[place].storage._save("d/a.txt", ContentFile(b"content"))
        assert storage.exists("d/a.txt")
        assert storage.size("d/a.txt") == 7
        with storage.open("d/a.txt") as file:
            assert file.read() == b"content"
        assert storage.save("d/a.txt", ContentFile(b"new")) != "d/a.txt"
        with storage.open("d/a.txt", "r") as file:
            assert file.read() == "content"
        storage.delete("d/a.txt")
        assert storage.exists("d/a.txt") is (place == 1 and cls is FallbackStorage)


def test_an_error_that_cannot_be_changed_is_the_cause_of_one_that_can() -> None:
    class Frozen(Exception):
        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError("Frozen.")

    class Down(InMemoryStorage):
        def size(self, name: str) -> int:
            raise Frozen("no network") from ConnectionError("refused")

    with pytest.raises(StorageUnavailable) as caught:
        FallbackStorage(backends=[Down()]).size("a.txt")
    assert isinstance(caught.value.__cause__, Frozen)


class DecodesEachRead(Remote):
    """As some storages over a database: a read in text mode decodes the bytes that it got."""

    def _open(self, name: str, mode: str = "rb") -> Any:
        file = super()._open(name, "rb")
        return file if "b" in mode else _Decoding(file, name)


class _Decoding(File):  # type: ignore[type-arg]
    def read(self, size: int = -1) -> Any:
        return self.file.read(size).decode()  # type: ignore[union-attr]


@pytest.mark.parametrize("timeout", [None, 60])
def test_text_that_begins_with_a_character_of_two_bytes_is_read_as_text(
    timeout: float | None,
) -> None:
    decoding = DecodesEachRead()
    decoding.files["a.txt"] = "äöü\n".encode()
    storage = FallbackStorage(backends=[{"BACKEND": decoding, "TIMEOUT": timeout}])
    with storage.open("a.txt", "r") as file:
        assert file.read() == "äöü\n"


def test_bytes_that_its_storage_cannot_decode_are_no_text() -> None:
    class Decodes(DecodesEachRead):
        def _open(self, name: str, mode: str = "rb") -> Any:
            return super()._open(name, "r")

    decoding = Decodes()
    decoding.files["a.txt"] = "äöü\n".encode()
    with pytest.raises(UnicodeDecodeError):
        FallbackStorage(backends=[decoding]).open("a.txt", "rb")
