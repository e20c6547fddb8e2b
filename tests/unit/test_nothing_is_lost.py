"""Nothing is changed, overwritten or deleted that was not asked for."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.core.files.uploadedfile import TemporaryUploadedFile

from fallback_storage.backend import disk
from fallback_storage.errors import (
    NameChangedError,
    ReadOnlyStorageError,
    StorageUnavailable,
    UnsupportedOperation,
)
from fallback_storage.storage import FallbackStorage, OverlayStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage

NAME = "d/a.txt"
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def put(storage: Storage, content: bytes = b"old", name: str = NAME) -> str:
    return storage.save(name, ContentFile(content))


def read(storage: Storage, name: str = NAME) -> bytes:
    with storage.open(name) as file:
        content: bytes = file.read()
    return content


@pytest.fixture
def upper(tmp_path: Path) -> FileSystemStorage:
    return FileSystemStorage(tmp_path / "upper")


@pytest.fixture
def production(tmp_path: Path) -> FileSystemStorage:
    storage = FileSystemStorage(tmp_path / "production")
    put(storage, b"production's")
    return storage


# Paths of an overlay.


def test_an_overlays_path_is_a_copy_of_what_a_local_lower_backend_holds(
    upper: FileSystemStorage, production: FileSystemStorage
) -> None:
    path = OverlayStorage([upper, production]).path(NAME)
    assert path == upper.path(NAME)
    Path(path).write_bytes(b"changed")
    assert read(production) == b"production's"
    assert os.stat(path).st_nlink == 1


def test_an_overlays_path_of_a_directory_or_of_nothing_is_the_first_backends(
    upper: FileSystemStorage, production: FileSystemStorage
) -> None:
    overlay = OverlayStorage([upper, production])
    for name in ("", "d", "new/file.txt"):
        assert overlay.path(name).rstrip("/") == upper.path(name).rstrip("/")
    assert read(production) == b"production's"


def test_a_read_only_first_backend_has_paths_of_what_it_holds_and_of_nothing_else(
    upper: FileSystemStorage, production: FileSystemStorage
) -> None:
    put(upper)
    overlay = OverlayStorage([{"BACKEND": upper, "READ_ONLY": True}, production])
    for name in ("", "d", NAME):
        assert overlay.path(name).rstrip("/") == upper.path(name).rstrip("/")
    with pytest.raises(NotImplementedError, match="no backend has the file"):
        overlay.path("new/file.txt")


@pytest.mark.parametrize("case", ["too large", "read-only", "full", "remote"])
def test_an_overlay_has_no_path_of_what_it_cannot_copy_up(
    upper: FileSystemStorage,
    production: FileSystemStorage,
    case: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first: Any = {"BACKEND": upper, "READ_ONLY": True} if case == "read-only" else upper
    lower: Any = production
    if case == "remote":
        lower = Objects()
        lower.save(NAME, ContentFile(b"old"))
    if case == "full":
        monkeypatch.setattr(disk, "_write", _full)
    promote = {"max_size": 3, "include": ["*.jpg"]} if case == "too large" else False
    with pytest.raises(NotImplementedError):
        OverlayStorage([first, lower], promote=promote).path(NAME)
    assert not upper.exists(NAME)


def _full(*args: object) -> None:
    raise FULL


def test_an_upper_without_paths_says_so_and_nobody_is_asked(
    production: FileSystemStorage,
) -> None:
    lower = FaultyStorage(production)
    with pytest.raises(NotImplementedError):
        OverlayStorage([Objects(), lower]).path(NAME)
    assert lower.calls == []


# Saves.


class Addressed(InMemoryStorage):
    """Names files by their content."""

    def _save(self, name: str, content: File[Any]) -> str:
        data = content.read()
        stored: str = super()._save(f"{hash(data):x}.bin", ContentFile(data))  # type: ignore[misc]
        return stored


def test_a_storage_that_names_files_by_their_content_keeps_what_it_had(
    upper: FileSystemStorage,
) -> None:
    addressed = Addressed()
    old = put(addressed, b"same")
    storage = FallbackStorage([addressed, upper])
    assert put(storage, b"same", "other.png") == old
    assert read(addressed, old) == b"same"


def test_a_name_of_a_storages_own_that_another_backend_holds_is_an_error(
    upper: FileSystemStorage,
) -> None:
    addressed = Addressed()
    stored = put(addressed, b"same")
    addressed.delete(stored)
    put(upper, b"theirs", stored)
    with pytest.raises(NameChangedError, match=stored):
        put(FallbackStorage([addressed, upper]), b"same", "other.png")
    assert read(upper, stored) == b"theirs"
    assert read(addressed, stored) == b"same"


def test_an_overwriting_save_that_breaks_off_leaves_the_older_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = FileSystemStorage(tmp_path / "first")
    first._allow_overwrite = True  # type: ignore[attr-defined]
    second = FileSystemStorage(tmp_path / "second")
    put(first, b"newest")
    put(second, b"older")
    real, calls = disk._write, []

    def breaks_off(descriptor: int, chunk: bytes) -> None:
        calls.append(chunk)
        real(descriptor, chunk[:3])
        if len(calls) == 1:
            raise FULL

    monkeypatch.setattr(disk, "_write", breaks_off)
    storage = FallbackStorage([first, second])
    monkeypatch.setattr(disk, "_write", breaks_off)
    name = put(storage, b"new")
    assert name != NAME
    assert read(storage) == b"newest"
    assert read(storage, name) == b"new"
    assert os.listdir(first.path("d")) == ["a.txt"]


def test_what_is_saved_to_a_symbolic_link_is_written_where_it_leads(tmp_path: Path) -> None:
    storage = FileSystemStorage(tmp_path / "media")
    storage._allow_overwrite = True  # type: ignore[attr-defined]
    target = tmp_path / "target.txt"
    target.write_bytes(b"old")
    os.makedirs(storage.path("d"))
    os.symlink(target, storage.path(NAME))
    assert put(FallbackStorage([storage]), b"new") == NAME
    assert target.read_bytes() == b"new"
    assert os.path.islink(storage.path(NAME))


def test_a_large_upload_is_moved_and_every_further_copy_is_a_copy(
    upper: FileSystemStorage,
) -> None:
    with TemporaryUploadedFile("a.bin", "application/octet-stream", 3, None) as upload:
        upload.write(b"abc")
        inode = os.stat(upload.temporary_file_path()).st_ino
        storage = FallbackStorage([upper])
        first, second = storage.save("a.bin", upload), storage.save("b.bin", upload)
        assert os.stat(upper.path(first)).st_ino == inode
        assert os.stat(upper.path(second)).st_ino != inode
        assert read(upper, first) == read(upper, second) == b"abc"
        assert [os.stat(upper.path(name)).st_nlink for name in (first, second)] == [1, 1]
        assert os.stat(upper.path(first)).st_mode & 0o777 == 0o644
        assert not os.path.exists(upload.temporary_file_path())


def test_an_upload_whose_name_is_taken_or_that_cannot_be_linked_is_copied(
    upper: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(source: str, path: str, **how: object) -> None:
        if "src_dir_fd" not in how:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        link(source, path, **how)

    link: Callable[..., None] = os.link
    monkeypatch.setattr(os, "link", elsewhere)
    with TemporaryUploadedFile("a.bin", "application/octet-stream", 3, None) as upload:
        upload.write(b"abc")
        assert read(upper, FallbackStorage([upper]).save("a.bin", upload)) == b"abc"
        assert os.path.exists(upload.temporary_file_path())


# Files opened for writing.


@pytest.mark.parametrize("mode", ["wb", "ab", "r+b", "xb"])
def test_no_backend_that_may_hold_the_name_is_passed_over(
    production: FileSystemStorage, mode: str
) -> None:
    first, second = FaultyStorage(InMemoryStorage()), InMemoryStorage()
    for storage in (first, second):
        put(storage, b"old")
    first.refusing()
    with pytest.raises(ConnectionRefusedError):
        FallbackStorage([first, second]).open(NAME, mode)
    assert read(second) == b"old"


@pytest.mark.parametrize("mode", ["wb", "ab", "r+b"])
def test_what_a_read_only_backend_holds_is_not_written_behind_it(
    production: FileSystemStorage, upper: FileSystemStorage, mode: str
) -> None:
    storage = FallbackStorage([{"BACKEND": production, "READ_ONLY": True}, upper])
    with pytest.raises(ReadOnlyStorageError):
        storage.open(NAME, mode)
    assert not upper.exists(NAME)


def test_a_read_only_backend_that_lacks_the_name_is_passed_over(
    production: FileSystemStorage, upper: FileSystemStorage
) -> None:
    storage = FallbackStorage([{"BACKEND": production, "READ_ONLY": True}, upper])
    with storage.open("new.txt", "wb") as file:
        file.write(b"new")
    assert read(upper, "new.txt") == b"new"


def test_a_file_that_an_open_created_before_it_failed_hides_nothing_new(
    upper: FileSystemStorage,
) -> None:
    class Creating(InMemoryStorage):
        def _open(self, name: str, mode: str = "rb") -> File[Any]:
            if "w" in mode:
                super()._save(name, ContentFile(b"?"))  # type: ignore[misc]
                raise FULL
            return super()._open(name, mode)  # type: ignore[misc, no-any-return]

    with pytest.raises(OSError, match="No space left"):
        FallbackStorage([Creating(), upper]).open(NAME, "wb")
    assert not upper.exists(NAME)


@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_a_denied_file_is_not_copied_up_from_further_below(
    upper: FileSystemStorage, production: FileSystemStorage, mode: str
) -> None:
    denied = {"BACKEND": Forbidden(), "DENIED_IS_MISSING": True}
    overlay = OverlayStorage([upper, denied, production])
    assert read(overlay) == b"production's"
    with pytest.raises(StorageUnavailable) as caught:
        overlay.open(NAME, mode)
    assert list(caught.value.failures) == ["Forbidden"]
    assert not upper.exists(NAME)


class ForbiddenError(Exception):
    status_code = 403


class Forbidden(Storage):
    """Says 403 to everything, as a bucket that may not be listed says of what is missing."""

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        raise ForbiddenError

    def exists(self, name: str) -> bool:
        raise ForbiddenError

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        raise ForbiddenError


# Promotion.


def test_an_older_copy_is_not_promoted_while_a_newer_one_may_be_there() -> None:
    cache, primary, backup = (FaultyStorage(InMemoryStorage()) for _ in range(3))
    put(primary, b"newer")
    put(backup, b"older")
    storage = FallbackStorage([cache, primary, backup], promote=True)
    primary.refusing()
    assert read(storage) == b"older"
    primary.heal()
    assert read(storage) == b"newer"
    assert read(cache) == b"newer"


def test_what_is_behind_a_denied_file_is_read_and_not_promoted(
    upper: FileSystemStorage, production: FileSystemStorage
) -> None:
    denied = {"BACKEND": Forbidden(), "DENIED_IS_MISSING": True}
    assert read(FallbackStorage([upper, denied, production], promote=True)) == b"production's"
    assert not upper.exists(NAME)


def test_a_save_during_a_promotion_is_not_undone() -> None:
    """The first backend is an object store: nothing of it is on this disk."""
    target, source = FaultyStorage(InMemoryStorage()), InMemoryStorage()
    put(source, b"old")
    storage = OverlayStorage([target, source], promote=True)
    uploading, saved = threading.Event(), threading.Event()

    def meanwhile() -> None:
        uploading.wait(10)
        storage.save(NAME, ContentFile(b"new"))
        saved.set()

    saving = threading.Thread(target=meanwhile)
    saving.start()
    target.stage("save", times=1, delay=uploading.set)
    assert read(storage) in {b"old", b"new"}
    saving.join(10)
    assert saved.is_set()
    names = [name for name in storage.listdir("d")[1] if read(storage, f"d/{name}") == b"new"]
    assert len(names) == 1


# Deletes.


def test_a_delete_by_a_backend_that_has_no_such_file_does_not_count() -> None:
    first, second = FaultyStorage(InMemoryStorage()), InMemoryStorage()
    put(first)
    first.stage("delete", error=PermissionError(errno.EACCES, "no"))
    with pytest.raises(PermissionError):
        FallbackStorage([first, second]).delete(NAME)
    assert first.exists(NAME)


def test_a_delete_by_a_backend_that_had_the_file_counts() -> None:
    first, second = FaultyStorage(InMemoryStorage()), InMemoryStorage()
    put(second)
    first.refusing()
    FallbackStorage([first, second]).delete(NAME)
    assert not second.exists(NAME)


def test_a_backend_that_raises_for_a_missing_file_keeps_no_other_from_deleting() -> None:
    first, second = InMemoryStorage(), FaultyStorage(InMemoryStorage())
    put(first)
    second.stage("delete", error=FileNotFoundError(errno.ENOENT, "missing"))
    FallbackStorage([first, second], delete="all").delete(NAME)
    assert not first.exists(NAME)


def test_what_is_saved_between_the_two_steps_of_a_delete_stays(
    upper: FileSystemStorage, production: FileSystemStorage
) -> None:
    overlay = OverlayStorage([upper, production])
    other = OverlayStorage([FileSystemStorage(upper.location), production])
    real = overlay.backends[0].create

    def create_then_save(name: str, *args: Any) -> str | None:
        stored = real(name, *args)
        assert other.save(NAME, ContentFile(b"new")) == NAME
        return stored

    overlay.backends[0].create = create_then_save
    overlay.delete(NAME)
    assert read(other) == b"new"


def test_what_may_lie_behind_a_403_is_hidden_by_a_delete(upper: FileSystemStorage) -> None:
    entry = {"BACKEND": Forbidden(), "DENIED_IS_MISSING": True}
    overlay = OverlayStorage([upper, entry])
    overlay.delete(NAME)
    assert os.listdir(upper.path("d")) == [".wh.a.txt"]


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES, errno.ELOOP, errno.ESTALE])
def test_what_a_disk_cannot_tell_is_no_free_name(
    upper: FileSystemStorage,
    production: FileSystemStorage,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, below = os.lstat, production.path(NAME)

    def lstat(path: Any, **keywords: Any) -> os.stat_result:
        if path == below:
            raise OSError(code, os.strerror(code), path)
        return real(path, **keywords)

    monkeypatch.setattr(os, "lstat", lstat)
    for storage in (OverlayStorage([upper, production]), FallbackStorage([upper, production])):
        assert storage.save(NAME, ContentFile(b"mine")) != NAME
        with pytest.raises(OSError, match=r"Errno|FileSystemStorage-2"):
            storage.exists(NAME)
    monkeypatch.undo()
    assert read(storage) == b"production's"


# Directories are no files.


def test_a_local_directory_does_not_answer_for_a_file_below(upper: FileSystemStorage) -> None:
    objects = Objects()
    objects.save("servers", ContentFile(b"production's"))
    overlay = OverlayStorage([upper, objects])
    overlay.save("servers/0", ContentFile(b"mine"))
    assert read(overlay, "servers") == b"production's"
    assert overlay.size("servers") == len(b"production's")
    assert overlay.url("servers") == "https://objects.example/servers"
    assert overlay.exists("servers")
    assert overlay.save("servers", ContentFile(b"x")) != "servers"


class Objects(Storage):
    """Keys, no directories: one may be the beginning of another."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        try:
            return ContentFile(self.contents[name], name)
        except KeyError:
            raise FileNotFoundError(name) from None

    def _save(self, name: str, content: File[Any]) -> str:
        self.contents[name] = content.read()
        return name

    def exists(self, name: str) -> bool:
        return name in self.contents

    def size(self, name: str) -> int | None:  # type: ignore[override]
        return len(self.contents[name]) if name in self.contents else None

    def url(self, name: str | None) -> str:
        return f"https://objects.example/{name}"


@pytest.mark.parametrize("method", ["size", "open", "get_modified_time"])
def test_a_directory_is_no_file(upper: FileSystemStorage, method: str) -> None:
    put(upper)
    storage = FallbackStorage([upper])
    with pytest.raises(FileNotFoundError):
        getattr(storage, method)("d")
    assert not storage.exists("d")
    assert storage.exists("d/")


# Answers.


def test_a_size_of_nothing_is_not_a_files_size(upper: FileSystemStorage) -> None:
    put(upper)
    assert FallbackStorage([Objects(), upper]).size(NAME) == 3


def test_an_empty_files_size_is_0(upper: FileSystemStorage) -> None:
    objects = Objects()
    objects.save(NAME, ContentFile(b""))
    assert FallbackStorage([objects, upper]).size(NAME) == 0


def test_none_is_no_url(upper: FileSystemStorage) -> None:
    class Private(Objects):
        def url(self, name: str | None) -> str | None:  # type: ignore[override]
            return None

    private = Private()
    private.save(NAME, ContentFile(b""))
    with pytest.raises(NotImplementedError, match="Private said unsupported"):
        FallbackStorage([private, upper]).url(NAME)


def test_an_error_of_a_url_is_raised_once_the_backend_has_said_that_it_has_the_file(
    upper: FileSystemStorage,
) -> None:
    class Unsigned(Objects):
        def url(self, name: str | None) -> str:
            raise ForbiddenError

    unsigned = Unsigned()
    unsigned.save(NAME, ContentFile(b""))
    with pytest.raises(ForbiddenError):
        FallbackStorage([{"BACKEND": unsigned, "DENIED_IS_MISSING": True}, upper]).url(NAME)


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "no"), ForbiddenError()])
@pytest.mark.parametrize("on_fault", ["failover", "raise"])
def test_a_listing_that_is_denied_is_not_short(
    upper: FileSystemStorage, error: Exception, on_fault: Any
) -> None:
    put(upper)
    lower = RemoteFaultyStorage(InMemoryStorage()).stage("listdir", error=error)
    entry = {"BACKEND": lower, "DENIED_IS_MISSING": True}
    with pytest.raises(type(error)):
        FallbackStorage([upper, entry], on_fault=on_fault).listdir("d")
    with pytest.raises(StorageUnavailable):
        OverlayStorage([upper, entry]).listdir("d")


def test_a_bucket_that_is_gone_is_not_an_empty_listing(upper: FileSystemStorage) -> None:
    class NotFoundError(Exception):
        code = 404

    put(upper)
    lower = RemoteFaultyStorage(InMemoryStorage()).stage("listdir", error=NotFoundError())
    with pytest.raises(StorageUnavailable):
        OverlayStorage([upper, lower]).listdir("d")


def test_a_backend_that_cannot_list_makes_an_overlays_listing_an_error(
    upper: FileSystemStorage,
) -> None:
    put(upper)
    with pytest.raises(UnsupportedOperation, match="Objects cannot list"):
        OverlayStorage([upper, Objects()]).listdir("d")
    assert FallbackStorage([upper, Objects()]).listdir("d") == ([], ["a.txt"])


class UnauthorizedError(Exception):
    status_code = 401


def test_401_is_never_missing(upper: FileSystemStorage) -> None:
    denied = FaultyStorage(InMemoryStorage()).stage("*", error=UnauthorizedError())
    put(upper)
    entry = {"BACKEND": denied, "DENIED_IS_MISSING": True}
    with pytest.raises(UnauthorizedError):
        FallbackStorage([entry, upper], on_fault="raise").size(NAME)


def test_temporary_files_are_hidden_and_refused_by_every_class(upper: FileSystemStorage) -> None:
    os.makedirs(upper.path("d"))
    Path(upper.path("d"), ".wh..wh.new-1").write_bytes(b"half")
    storage = FallbackStorage([upper])
    assert storage.listdir("d") == ([], [])
    for method in (storage.exists, storage.delete, storage.size, storage.open, storage.url):
        with pytest.raises(SuspiciousFileOperation, match="kept for temporary files"):
            method("d/.wh..wh.new-1")


# Overtaken by another process.


def test_an_exclusive_open_of_a_file_created_meanwhile_says_that_it_exists() -> None:
    storage = FaultyStorage(InMemoryStorage())
    storage.stage("open", error=FileExistsError(errno.EEXIST, "there"))
    with pytest.raises(FileExistsError):
        OverlayStorage([storage, InMemoryStorage()]).open("new.txt", "xb")


def test_an_update_of_a_file_deleted_meanwhile_says_that_it_is_missing(
    upper: FileSystemStorage,
) -> None:
    put(upper)
    storage = FaultyStorage(upper)

    def deleted() -> OSError:
        upper.delete(NAME)
        return FileNotFoundError(errno.ENOENT, "gone")

    storage.stage("open", error=deleted)
    with pytest.raises(FileNotFoundError):
        FallbackStorage([storage]).open(NAME, "r+b")


class DeletedOnceSeen(FileSystemStorage):
    """Another process deletes a file just after it is seen, as often as it is told to."""

    deletes = 1

    def exists(self, name: str) -> bool:
        found: bool = super().exists(name)
        if found and self.deletes:
            self.deletes -= 1
            self.delete(name)
        return found


@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_a_file_deleted_meanwhile_is_looked_for_again(
    tmp_path: Path, production: FileSystemStorage, mode: str
) -> None:
    first = DeletedOnceSeen(tmp_path / "first")
    put(first)
    with FallbackStorage([first, production]).open(NAME, mode) as file:
        file.write(b"PRODUCTION")
    assert b"PRODUCTION" in read(production)
    assert not os.path.exists(first.path(NAME))


@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_no_file_is_made_above_a_read_only_one_that_a_delete_laid_bare(
    tmp_path: Path, production: FileSystemStorage, mode: str
) -> None:
    first = DeletedOnceSeen(tmp_path / "first")
    put(first)
    below = {"BACKEND": production, "READ_ONLY": True}
    with pytest.raises(ReadOnlyStorageError):
        FallbackStorage([first, below]).open(NAME, mode)
    assert not os.path.exists(first.path(NAME))


def test_a_backend_that_says_both_that_it_has_a_file_and_that_it_has_not_is_an_error() -> None:
    storage = FaultyStorage(InMemoryStorage())
    put(storage)
    storage.stage("open", error=FileNotFoundError(errno.ENOENT, "gone"))
    with pytest.raises(StorageUnavailable):
        OverlayStorage([storage, InMemoryStorage()]).open(NAME, "r+b")


@pytest.mark.parametrize("promote", [False, True])
def test_a_delete_of_all_leaves_what_is_saved_once_the_name_is_free(
    tmp_path: Path, production: FileSystemStorage, promote: bool
) -> None:
    class Meanwhile(FileSystemStorage):
        def delete(self, name: str) -> None:
            super().delete(name)
            assert other.save(name, ContentFile(b"new")) == name

    first = FileSystemStorage(tmp_path / "first")
    other = FallbackStorage([FileSystemStorage(first.location), production])
    second = Meanwhile(production.location)
    storage = FallbackStorage([first, second], delete="all", promote=promote)
    storage.delete(NAME)
    assert read(first) == b"new"


def test_a_delete_of_all_removes_an_empty_directory_everywhere(
    upper: FileSystemStorage, production: FileSystemStorage
) -> None:
    for storage in (upper, production):
        os.makedirs(storage.path("empty"))
    FallbackStorage([upper, production], delete="all").delete("empty")
    for storage in (upper, production):
        assert not os.path.exists(storage.path("empty"))


def test_a_delete_of_all_is_not_done_where_a_backend_could_not_answer() -> None:
    first, second = FaultyStorage(InMemoryStorage()), InMemoryStorage()
    put(first)
    put(second)
    first.refusing()
    with pytest.raises(ConnectionRefusedError):
        FallbackStorage([first, second], delete="all").delete(NAME)
    first.heal()
    assert read(first) == b"old"


def test_a_file_that_comes_and_goes_is_missing_where_it_is_gone_in_the_end() -> None:
    class Flickering(InMemoryStorage):
        answers = iter([True, True, False])

        def exists(self, name: str) -> bool:
            return next(self.answers)

    with pytest.raises(FileNotFoundError):
        FallbackStorage([Flickering()]).open(NAME, "r+b")


def test_the_own_exists_of_a_local_storage_says_which_names_are_free(
    tmp_path: Path, production: FileSystemStorage
) -> None:
    class Reserving(FileSystemStorage):
        def exists(self, name: str) -> bool:
            return name == "reserved.txt" or bool(super().exists(name))

    storage = FallbackStorage([Reserving(tmp_path / "first"), production])
    assert storage.save("reserved.txt", ContentFile(b"a")) != "reserved.txt"
