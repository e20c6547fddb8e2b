"""What the class of the first writable backend does in its own way is done in that way."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage

from fallback_storage.backend.content import SPOOL_SIZE
from fallback_storage.errors import NameChangedError, StorageUnavailable
from fallback_storage.storage import FallbackStorage, OverlayStorage
from fallback_storage.testing import FaultyStorage

CLASSES = [FallbackStorage, OverlayStorage]
in_each_class = pytest.mark.parametrize("cls", CLASSES)


class Overwriting(FileSystemStorage):
    """The popular recipe: it deletes the older file to make room for the new one."""

    asked = 0

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        self.asked += 1
        if self.exists(name):
            os.remove(self.path(name))
        return name


class Keeping(FileSystemStorage):
    """The other one: ``_save`` is to overwrite."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name


class Unguessable(FileSystemStorage):
    number = 0

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        self.number += 1
        return f"secret-{self.number}.txt"


class Old(FileSystemStorage):
    """From before Django had ``max_length``."""

    def get_available_name(self, name: str) -> str:  # type: ignore[override]
        return f"old-{name}"


class Saves(FileSystemStorage):
    """Has a ``save`` of its own, which looks for a name itself."""

    lengths: list[int | None]

    def save(self, name: Any, content: Any, max_length: int | None = None) -> str:
        self.lengths = [*getattr(self, "lengths", []), max_length]
        return super().save(f"own/{name}", content, max_length)


class OnlySave:
    """A duck that has nothing to store with but ``save``."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def exists(self, name: str) -> bool:
        return name in self.files

    def open(self, name: str, mode: str = "rb") -> Any:
        if name not in self.files:
            raise FileNotFoundError(name)
        return ContentFile(self.files[name])

    def save(self, name: str, content: Any) -> str:
        self.files[name] = content.read()
        return name


def holding(**files: bytes) -> InMemoryStorage:
    storage = InMemoryStorage()
    for name, content in files.items():
        storage.save(f"{name}.txt", ContentFile(content))
    return storage


def read(storage: Any, name: str) -> bytes:
    with storage.open(name) as file:
        return bytes(file.read())


@in_each_class
@pytest.mark.parametrize("first", [Overwriting, Keeping])
@pytest.mark.parametrize("below", [{}, {"a": b"below"}])
def test_a_save_overwrites_where_the_first_backend_s_recipe_says_so(
    cls: Any, first: type[FileSystemStorage], below: dict[str, bytes], tmp_path: Path
) -> None:
    upper, lower = first(tmp_path), holding(**below)
    FileSystemStorage(tmp_path).save("a.txt", ContentFile(b"old and longer"))
    storage = cls(backends=[upper, lower])
    assert storage.save("a.txt", ContentFile(b"new")) == "a.txt"
    assert read(storage, "a.txt") == b"new"
    assert lower.exists("a.txt") is bool(below)
    assert os.listdir(tmp_path) == ["a.txt"] if not below or cls is FallbackStorage else True


@in_each_class
def test_a_recipe_is_asked_once_for_each_save(cls: Any, tmp_path: Path) -> None:
    upper = Overwriting(tmp_path)
    storage = cls(backends=[upper, holding(a=b"below")])
    for number in range(1, 4):
        storage.save("b.txt", ContentFile(b"new"))
        assert upper.asked == number


@in_each_class
def test_what_only_another_backend_holds_is_not_the_recipe_s_to_overwrite(
    cls: Any, tmp_path: Path
) -> None:
    lower = holding(a=b"below")
    storage = cls(backends=[Overwriting(tmp_path), lower])
    name = storage.save("a.txt", ContentFile(b"new"))
    assert name != "a.txt"
    assert (read(storage, "a.txt"), read(storage, name)) == (b"below", b"new")


def test_a_deleted_file_does_not_show_the_one_below_it_where_the_save_fails(
    tmp_path: Path,
) -> None:
    class Fails(Overwriting):
        def _save(self, name: str, content: Any) -> str:
            if name == "a.txt":
                raise OSError(28, "No space left on device")
            return super()._save(name, content)  # type: ignore[no-any-return, misc]

    FileSystemStorage(tmp_path).save("a.txt", ContentFile(b"newest"))
    storage = OverlayStorage(backends=[Fails(tmp_path), holding(a=b"older")])
    with pytest.raises(StorageUnavailable):
        storage.save("a.txt", ContentFile(b"new"))
    assert not storage.exists("a.txt")


class _Unreadable(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError("The upload is gone.")


class _Gone(File):  # type: ignore[type-arg]
    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        raise OSError("The upload is gone.")


def _closed() -> File[Any]:
    file = io.BytesIO(b"content")
    file.close()
    return File(file)


@in_each_class
@pytest.mark.parametrize("content", [File(_Unreadable()), _Gone(io.BytesIO()), _closed()])
def test_content_that_is_not_there_leaves_the_older_file(
    cls: Any, content: File[Any], tmp_path: Path
) -> None:
    FileSystemStorage(tmp_path).save("a.txt", ContentFile(b"old"))
    storage = cls(backends=[Overwriting(tmp_path), InMemoryStorage()])
    with pytest.raises((OSError, ValueError)):
        storage.save("a.txt", content)
    assert read(storage, "a.txt") == b"old"


@in_each_class
def test_content_that_can_be_read_once_is_stored_whole(cls: Any, tmp_path: Path) -> None:
    class Stream(io.RawIOBase):
        left = b"content"

        def read(self, size: int = -1, /) -> bytes:
            end = len(self.left) if size < 0 else size
            data, self.left = self.left[:end], self.left[end:]
            return data

    storage = cls(backends=[Overwriting(tmp_path), InMemoryStorage()])
    storage.save("a.txt", Stream())
    assert read(storage, "a.txt") == b"content"


@in_each_class
def test_an_unguessable_name_is_kept(cls: Any, tmp_path: Path) -> None:
    storage = cls(backends=[Unguessable(tmp_path), InMemoryStorage()])
    assert storage.save("a.txt", ContentFile(b"1")) == "secret-1.txt"
    assert storage.save("a.txt", ContentFile(b"2")) == "secret-2.txt"
    assert read(storage, "secret-1.txt") == b"1"


@in_each_class
def test_a_chosen_name_that_another_backend_holds_is_not_taken(cls: Any, tmp_path: Path) -> None:
    lower = InMemoryStorage()
    lower.save("secret-1.txt", ContentFile(b"another's"))
    storage = cls(backends=[Unguessable(tmp_path), lower])
    name = storage.save("a.txt", ContentFile(b"new"))
    assert name != "secret-1.txt"
    assert (read(storage, name), read(storage, "secret-1.txt")) == (b"new", b"another's")


def test_a_recipe_from_before_max_length_works(tmp_path: Path) -> None:
    assert (
        FallbackStorage(backends=[Old(tmp_path)]).save("a.txt", ContentFile(b"1")) == "old-a.txt"
    )


def test_where_the_recipe_cannot_be_asked_the_next_backend_has_the_file(tmp_path: Path) -> None:
    class Down(Overwriting):
        def get_available_name(self, name: str, max_length: int | None = None) -> str:
            raise ConnectionError("refused")

        def _save(self, name: str, content: Any) -> str:
            raise ConnectionError("refused")

    second = InMemoryStorage()
    storage = FallbackStorage(backends=[Down(tmp_path), second])
    name = storage.save("a.txt", ContentFile(b"new"))
    assert name != "a.txt"
    assert read(second, name) == b"new"


@in_each_class
def test_a_save_of_its_own_is_called_with_the_caller_s_max_length(
    cls: Any, tmp_path: Path
) -> None:
    upper = Saves(tmp_path)
    storage = cls(backends=[upper, holding(a=b"below")])
    assert storage.save("b.txt", ContentFile(b"1"), max_length=50) == "own/b.txt"
    assert storage.save("b.txt", ContentFile(b"2")) != "own/b.txt"
    assert upper.lengths == [50, None]
    assert read(storage, "own/b.txt") == b"1"


def test_a_name_that_a_save_of_its_own_gives_must_be_free_elsewhere(tmp_path: Path) -> None:
    lower = InMemoryStorage()
    lower.save("own/b.txt", ContentFile(b"another's"))
    with pytest.raises(NameChangedError, match="own/b"):
        OverlayStorage(backends=[Saves(tmp_path), lower]).save("b.txt", ContentFile(b"1"))


def test_a_storage_that_has_only_save_is_saved_to() -> None:
    storage = FallbackStorage(backends=[f"{__name__}.OnlySave", InMemoryStorage()])
    assert storage.save("a.txt", ContentFile(b"content")) == "a.txt"
    assert storage.backends[0].storage.files == {"a.txt": b"content"}
    assert read(storage, "a.txt") == b"content"


def test_a_save_of_its_own_that_cannot_store_fails_over(tmp_path: Path) -> None:
    class Down(Saves):
        def save(self, name: Any, content: Any, max_length: int | None = None) -> str:
            raise ConnectionError("refused")

    second = InMemoryStorage()
    name = FallbackStorage(backends=[Down(tmp_path), second]).save("a.txt", ContentFile(b"new"))
    assert read(second, name) == b"new"


def test_a_save_that_comes_back_to_the_combined_storage_is_refused(tmp_path: Path) -> None:
    class Circular(FileSystemStorage):
        outer: Storage

        def save(self, name: Any, content: Any, max_length: int | None = None) -> str:
            return self.outer.save(name, content, max_length)

    first = Circular(tmp_path)
    first.outer = storage = FallbackStorage(backends=[first, InMemoryStorage()])
    for _ in range(2):
        with pytest.raises(ImproperlyConfigured, match="saves the file there again"):
            storage.save("a.txt", ContentFile(b"new"))


class Named(FileSystemStorage):
    def get_valid_name(self, name: str) -> str:
        return f"valid-{name}"

    def get_alternative_name(self, file_root: str, file_ext: str) -> str:
        return f"{file_root}-other{file_ext}"


class Generated(FileSystemStorage):
    def generate_filename(self, filename: Any) -> str:
        return f"generated/{filename}"


@in_each_class
def test_names_are_made_as_the_first_writable_backend_makes_them(cls: Any, tmp_path: Path) -> None:
    storage = cls(backends=[Named(tmp_path), InMemoryStorage()])
    assert storage.get_valid_name("a.txt") == "valid-a.txt"
    assert storage.generate_filename("d/a.txt") == "d/valid-a.txt"
    assert [storage.save("a.txt", ContentFile(b"1")) for _ in range(2)] == ["a.txt", "a-other.txt"]
    storage = cls(backends=[Generated(tmp_path), InMemoryStorage()])
    assert storage.generate_filename("a.txt") == "generated/a.txt"


def test_a_read_only_backend_names_nothing(tmp_path: Path) -> None:
    shelf = {"BACKEND": Generated(tmp_path), "READ_ONLY": True, "NAME": "shelf"}
    storage = FallbackStorage(backends=[shelf, Named(tmp_path / "b")])
    assert storage.generate_filename("a.txt") == "valid-a.txt"
    assert storage.get_valid_name("a.txt") == "valid-a.txt"
    alone = FallbackStorage(backends=[{**shelf, "BACKEND": Named(tmp_path)}])
    assert alone.get_valid_name("a.txt") == "valid-a.txt"


def test_alternatives_that_are_all_taken_are_not_asked_for_for_ever(tmp_path: Path) -> None:
    storage = FallbackStorage(backends=[Named(tmp_path), InMemoryStorage()])
    names = {storage.save("a.txt", ContentFile(b"1")) for _ in range(4)}
    assert len(names) == 4
    assert {"a.txt", "a-other.txt"} < names


class Plain(Storage):
    """Keeps what it is given, as dj-inmemorystorage does."""

    def __init__(self) -> None:
        self.files: dict[str, Any] = {}

    def exists(self, name: str) -> bool:
        return name in self.files

    def _save(self, name: str, content: Any) -> str:
        self.files[name] = content.read()
        return name


@pytest.mark.parametrize(
    ("content", "stored"),
    [
        (io.StringIO("t\u00e4xt\r\n"), "t\u00e4xt\r\n"),
        (ContentFile("text"), "text"),
        (ContentFile(b"bytes"), b"bytes"),
        (io.StringIO("x" * (SPOOL_SIZE + 1)), b"x" * (SPOOL_SIZE + 1)),
    ],
    ids=["a stream", "a file", "bytes", "a large text"],
)
def test_text_is_given_as_text_to_a_storage_that_takes_it(content: Any, stored: Any) -> None:
    plain = Plain()
    FallbackStorage(backends=[plain]).save("a.txt", content)
    assert plain.files == {"a.txt": stored}


def test_text_is_stored_as_bytes_where_it_would_be(tmp_path: Path) -> None:
    storage = FallbackStorage(backends=[FileSystemStorage(tmp_path)])
    storage.save("a.txt", ContentFile("t\u00e4xt\r\n"))
    assert read(storage, "a.txt") == "t\u00e4xt\r\n".encode()


def test_a_recipe_can_be_asked_without_a_save(tmp_path: Path) -> None:
    storage = FallbackStorage(backends=[Unguessable(tmp_path), InMemoryStorage()])
    assert storage.get_available_name("a.txt") == "secret-1.txt"


class AnyArguments(InMemoryStorage):
    def url(self, *args: Any) -> str:
        return "/".join(map(str, args))


def test_a_url_that_takes_any_number_of_arguments_is_given_all() -> None:
    storage = FallbackStorage(backends=[AnyArguments()])
    assert storage.url("a.txt", 1, 2, expire=3) == "a.txt/1/2"


@pytest.mark.parametrize("holds", [True, False])
def test_a_save_of_its_own_is_given_a_name_that_is_free_elsewhere(
    holds: bool, tmp_path: Path
) -> None:
    upper = Saves(tmp_path)
    assert FallbackStorage(backends=[upper]).save("a.txt", ContentFile(b"1")) == "own/a.txt"
    lower = holding(**({"b": b"below"} if holds else {}))
    name = FallbackStorage(backends=[upper, lower]).save("b.txt", ContentFile(b"2"))
    assert (name == "own/b.txt") is not holds


def test_where_another_backend_cannot_say_a_save_of_its_own_is_given_a_random_name(
    tmp_path: Path,
) -> None:
    class Down(InMemoryStorage):
        def exists(self, name: str) -> bool:
            raise ConnectionError("refused")

    storage = FallbackStorage(backends=[Saves(tmp_path), Down()])
    assert storage.get_available_name("b.txt") != "b.txt"


class Linked(InMemoryStorage):
    def url(self, name: Any, parameters: Any = None, expire: int = 0) -> str:
        return f"/{name}?{parameters}&{expire}"


@in_each_class
def test_a_url_takes_arguments_by_position(cls: Any) -> None:
    linked, plain = Linked(), InMemoryStorage(base_url="/plain/")
    linked.save("a.txt", ContentFile(b"1"))
    for backends in ([plain, linked], [linked, plain]):
        storage = cls(backends=backends)
        assert storage.url("a.txt", "p", 7) == "/a.txt?p&7"
        assert storage.url("a.txt", "p", expire=7) == "/a.txt?p&7"
        assert storage.url("b.txt", "p", 7) == backends[-1].url(
            "b.txt", *(("p", 7) if backends[-1] is linked else ())
        )


@in_each_class
def test_a_name_is_cut_as_django_cuts_it_where_the_storage_overwrites(
    cls: Any, tmp_path: Path
) -> None:
    class First(FileSystemStorage):
        allow_overwrite = True  # Django's own argument is new in 5.1.

    storage = cls(backends=[First(tmp_path), InMemoryStorage()])
    for directory in ("", "d/"):
        longest = len(directory) + 10
        name = storage.get_available_name(f"{directory}test_longname.txt", max_length=longest)
        assert name == f"{directory}test_l.txt"
        with pytest.raises(SuspiciousFileOperation):
            storage.get_available_name(f"{directory}a.extension", max_length=longest)


@in_each_class
@pytest.mark.parametrize("chosen", ["../a.txt", "/etc/a.txt", "", "a\0.txt"])
def test_a_chosen_name_is_validated_before_a_backend_is_asked_for_it(
    cls: Any, chosen: str, tmp_path: Path
) -> None:
    class Escaping(FileSystemStorage):
        def get_available_name(self, name: str, max_length: int | None = None) -> str:
            return chosen

    lower = FaultyStorage(InMemoryStorage())
    storage = cls(backends=[Escaping(tmp_path / "upper"), lower])
    with pytest.raises(SuspiciousFileOperation):
        storage.save("a.txt", ContentFile(b"new"))
    assert os.listdir(tmp_path) == []
    assert lower.calls == []
