"""A file that was handed out stays the combined storage's, whatever kind its backend is."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage

from fallback_storage.errors import ReadOnlyStorageError
from fallback_storage.storage import FallbackStorage, OverlayStorage

NAME = "d/a.txt"
CONTENT = b"production's\nsecond line\n"


class Lazy(File):  # type: ignore[type-arg]
    """Like S3File: it reads in a way of its own, has an object of its own, and a text mode."""

    def __init__(self, storage: Keyed, name: str, mode: str) -> None:
        self.obj, self.key, self.mode, self._at = storage, name, mode, 0
        self.name = name
        self.file = None
        self.is_closed = False

    @property
    def size(self) -> int:
        return len(self.obj.objects[self.key])

    @property
    def closed(self) -> bool:
        return self.is_closed

    def read(self, size: int = -1) -> bytes:
        content = self.obj.objects[self.key]
        end = len(content) if size < 0 else self._at + size
        part, self._at = content[self._at : end], min(end, len(content))
        return part

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.obj.objects[self.key] = self.obj.objects.get(self.key, b"") + data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> None:  # type: ignore[override]
        self._at = offset + (len(self.obj.objects[self.key]) if whence == 2 else 0)

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self.is_closed = True


class Keyed(Storage):
    """Keeps objects by their keys."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def _open(self, name: str, mode: str = "rb") -> Any:
        if name not in self.objects and "w" not in mode:
            raise FileNotFoundError(name)
        if "w" in mode:
            self.objects[name] = b""
        return Lazy(self, name, mode)

    def _save(self, name: str, content: File[Any]) -> str:
        self.objects[name] = content.read()
        return name

    def exists(self, name: str) -> bool:
        return name in self.objects

    def size(self, name: str) -> int:
        return len(self.objects[name])

    def delete(self, name: str) -> None:
        self.objects.pop(name, None)


class Buffered(Keyed):
    """Hands out the bytes in a file of Django's."""

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        if name not in self.objects:
            raise FileNotFoundError(name)
        return File(io.BytesIO(self.objects[name]), name)


class Raw(FileSystemStorage):
    """Hands out Python's own file objects."""

    def _open(self, name: str, mode: str = "rb") -> Any:
        return open(self.path(name), mode)


@pytest.fixture(params=["disk", "memory", "lazy", "buffered", "raw", "serial"])
def production(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    kinds: dict[str, Callable[[], Any]] = {
        "disk": lambda: FileSystemStorage(tmp_path / "production"),
        "memory": InMemoryStorage,
        "lazy": Keyed,
        "buffered": Buffered,
        "raw": lambda: Raw(tmp_path / "production"),
        "serial": lambda: {"BACKEND": Keyed(), "THREADS": 1},
    }
    entry = kinds[request.param]()
    storage_of(entry).save(NAME, ContentFile(CONTENT))
    return entry


def storage_of(entry: Any) -> Storage:
    storage: Storage = entry["BACKEND"] if isinstance(entry, dict) else entry
    return storage


def content_of(storage: Storage, name: str = NAME) -> bytes:
    with storage.open(name) as file:
        content: bytes = file.read()
    return content


@pytest.fixture
def overlay(production: Any, tmp_path: Path) -> OverlayStorage:
    return OverlayStorage([FileSystemStorage(tmp_path / "upper"), production])


@pytest.mark.parametrize("mode", ["wb", "r+b", "ab"])
def test_a_file_reopened_for_writing_is_copied_up_and_production_is_unchanged(
    overlay: OverlayStorage, production: Any, mode: str
) -> None:
    file = overlay.open(NAME)
    file.close()
    with file.open(mode) as again:
        again.write(b"X")
    expected = {"wb": b"X", "r+b": b"X" + CONTENT[1:], "ab": CONTENT + b"X"}
    assert content_of(overlay) == expected[mode]
    assert content_of(storage_of(production)) == CONTENT


@pytest.mark.parametrize("mode", ["wb", "r+b", "ab"])
def test_a_file_of_a_read_only_backend_is_not_reopened_for_writing(
    production: Any, mode: str
) -> None:
    entry = production if isinstance(production, dict) else {"BACKEND": production}
    storage = FallbackStorage([entry | {"READ_ONLY": True}, InMemoryStorage()])
    file = storage.open(NAME)
    file.close()
    with pytest.raises(ReadOnlyStorageError):
        file.open(mode)
    assert content_of(storage_of(production)) == CONTENT


@pytest.mark.parametrize("mode", ["rb", "r"])
def test_a_file_opened_for_reading_cannot_be_written(
    overlay: OverlayStorage, production: Any, mode: str
) -> None:
    with overlay.open(NAME, mode) as file:
        evil: Any = b"EVIL" if mode == "rb" else "EVIL"
        for change in (file.write, file.writelines, cast(Any, file.file).write):
            with pytest.raises(io.UnsupportedOperation):
                change(evil)
        with pytest.raises(io.UnsupportedOperation):
            file.truncate(0)
        assert not file.writable()
    assert content_of(storage_of(production)) == CONTENT


def test_a_reopened_file_has_the_newest_content(overlay: OverlayStorage) -> None:
    file = overlay.open(NAME)
    assert file.size == len(CONTENT)
    file.close()
    overlay.delete(NAME)
    overlay.save(NAME, ContentFile(b"newer"))
    with file.open() as again:
        assert again is file
        assert again.read() == b"newer"
        assert again.size == 5


def test_a_reopened_file_that_was_deleted_is_missing(overlay: OverlayStorage) -> None:
    file = overlay.open(NAME)
    file.close()
    overlay.delete(NAME)
    with pytest.raises(FileNotFoundError):
        file.open()


def test_an_open_file_goes_back_to_its_start(overlay: OverlayStorage) -> None:
    with overlay.open(NAME) as file:
        file.read(3)
        assert file.open("wb").read() == CONTENT
        assert b"".join(file.chunks(4)) == CONTENT


def test_it_is_closed_when_it_was_closed(overlay: OverlayStorage) -> None:
    file = overlay.open(NAME)
    before = file.closed
    file.close()
    assert (before, file.closed) == (False, True)
    with pytest.raises(ValueError, match="closed"):
        file.read()


def test_it_has_name_size_and_mode_as_with_the_storage_alone(production: Any) -> None:
    bare = storage_of(production).open(NAME)
    with bare, FallbackStorage([production]).open(NAME) as file:
        if not isinstance(production, dict):
            assert file.name == getattr(bare, "name", NAME)
        assert file.size == len(CONTENT)
        assert getattr(file, "mode", "rb") == getattr(bare, "mode", "rb")


def test_lines_and_text(overlay: OverlayStorage) -> None:
    with overlay.open(NAME) as file:
        assert file.readline() == b"production's\n"
        assert file.readlines() == [b"second line\n"]
        assert list(file) == CONTENT.splitlines(keepends=True)
        file.seek(0)
        assert file.readlines(1)[0] == b"production's\n"
    with overlay.open(NAME, "r") as file:
        assert file.read() == CONTENT.decode()


def test_what_else_the_backends_file_has_is_there() -> None:
    storage = Keyed()
    storage.save(NAME, ContentFile(CONTENT))
    with FallbackStorage([storage]).open(NAME) as file:
        assert cast(Any, file).obj is storage
        assert not hasattr(file, "nothing")


def test_a_file_of_a_nested_storage_reopens_through_the_outer_one(tmp_path: Path) -> None:
    disk = FileSystemStorage(tmp_path / "production")
    disk.save(NAME, ContentFile(CONTENT))
    upper = FileSystemStorage(tmp_path / "upper")
    overlay = OverlayStorage([upper, FallbackStorage([disk])])
    file = overlay.open(NAME)
    file.close()
    with file.open("ab") as again:
        again.write(b"X")
    assert content_of(upper) == CONTENT + b"X"
    assert content_of(disk) == CONTENT


def test_a_file_opened_for_writing_in_a_way_of_its_own_is_written() -> None:
    storage = Keyed()
    with FallbackStorage([storage]).open("new.txt", "wb") as file:
        file.write(b"new")
        file.flush()
        with pytest.raises(AttributeError):
            file.truncate()
    assert storage.objects["new.txt"] == b"new"
