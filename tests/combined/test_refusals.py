"""What a combined storage makes of backends that refuse, lack a method, or say *missing* oddly."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.test import override_settings

from fallback_storage.backend.adapters import adapter_for
from fallback_storage.backend.content import Content
from fallback_storage.backend.files import Opened
from fallback_storage.storage import FallbackStorage, OverlayStorage
from fallback_storage.testing import FaultyStorage

GONE = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def missing_by_error() -> FaultyStorage:
    """A storage that raises where others answer that they do not have a file."""
    return FaultyStorage(InMemoryStorage()).stage("exists", error=GONE)


def test_a_read_only_backend_that_raises_for_a_missing_file_lets_the_others_delete() -> None:
    first = InMemoryStorage()
    first.save("a.txt", ContentFile(b"a"))
    entry = {"BACKEND": missing_by_error(), "READ_ONLY": True}
    FallbackStorage([first, entry], delete="all").delete("a.txt")
    assert not first.exists("a.txt")


@pytest.mark.parametrize("mode", ["ab", "xb"])
def test_a_backend_that_raises_for_a_missing_file_is_passed_over(
    mode: str, tmp_path: Path
) -> None:
    second = FileSystemStorage(tmp_path)
    entry = {"BACKEND": missing_by_error(), "READ_ONLY": True}
    with FallbackStorage([entry, second]).open("a.txt", mode) as file:
        file.write(b"a")
    assert second.exists("a.txt")


def test_the_error_of_the_backend_that_was_to_be_written_is_raised(tmp_path: Path) -> None:
    """And not that the next one, which has the file, is read-only."""
    first = FaultyStorage(FileSystemStorage(tmp_path)).stage(
        "open", error=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    )
    second = InMemoryStorage()
    second.save("a.txt", ContentFile(b"a"))
    storage = FallbackStorage([first, {"BACKEND": second, "READ_ONLY": True}])
    with pytest.raises(OSError, match="No space left"):
        storage.open("a.txt", "wb")


def test_a_delete_that_fails_and_has_deleted_is_one() -> None:
    inner = InMemoryStorage()
    upper = FaultyStorage(inner)
    upper.save("a.txt", ContentFile(b"a"))

    def deleted() -> OSError:
        inner.delete("a.txt")
        return OSError(errno.EIO, "afterwards")

    upper.stage("delete", error=deleted)
    OverlayStorage([upper, InMemoryStorage()]).delete("a.txt")
    assert not upper.exists("a.txt")


def test_an_upper_that_cannot_say_where_a_file_lies_has_no_path() -> None:
    class Pathless(InMemoryStorage):
        def path(self, name: str) -> str:
            raise NotImplementedError

    with pytest.raises(NotImplementedError):
        OverlayStorage([Pathless(), InMemoryStorage()]).path("a.txt")


def test_each_backend_without_the_method_is_asked_whether_it_has_the_file() -> None:
    class Undated(InMemoryStorage):
        def get_modified_time(self, name: str) -> Any:
            raise NotImplementedError

    first, second = Undated(), Undated()
    storage = FallbackStorage([first, second, InMemoryStorage()])
    with pytest.raises(FileNotFoundError):
        storage.get_modified_time("a.txt")
    second.save("a.txt", ContentFile(b"a"))
    with pytest.raises(NotImplementedError):
        storage.get_modified_time("a.txt")


def test_a_url_that_takes_any_keyword_gets_all_of_them() -> None:
    class Signing(InMemoryStorage):
        def url(self, name: str | None, **keywords: Any) -> str:
            return f"/{name}?{sorted(keywords)}"

    assert FallbackStorage([Signing()]).url("a", expire=1, more=2) == "/a?['expire', 'more']"


def test_an_upload_stays_where_it_is_if_its_name_is_taken(tmp_path: Path) -> None:
    storage = FileSystemStorage(tmp_path)
    storage.save("a.txt", ContentFile(b"first"))
    with TemporaryUploadedFile("a.txt", "text/plain", 3, None) as upload:
        upload.write(b"abc")
        with Content(upload) as content:
            assert adapter_for(storage).create("a.txt", content.handle("a.txt"), None) is None
        assert os.path.exists(upload.temporary_file_path())
    assert (tmp_path / "a.txt").read_bytes() == b"first"


def test_a_file_keeps_the_permissions_of_the_process_where_none_are_set(tmp_path: Path) -> None:
    with override_settings(FILE_UPLOAD_PERMISSIONS=None):
        storage = FileSystemStorage(tmp_path)
        adapter_for(storage).create("a.txt", ContentFile(b"a"), None)
        bare = storage.save("bare.txt", ContentFile(b"a"))
    assert os.stat(tmp_path / "a.txt").st_mode == os.stat(tmp_path / bare).st_mode


class Plain:
    """Can be read and written, and no more."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.written += b"."


def test_what_cannot_be_flushed_is_written_all_the_same() -> None:
    plain = Plain()
    with Opened(plain, writable=True) as opened:
        opened.write(b"a")
        opened.flush()
    assert plain.written == b"a."


def test_what_was_opened_for_reading_cannot_be_cut() -> None:
    with pytest.raises(io.UnsupportedOperation):
        Opened(io.BytesIO(b"abc")).truncate(1)


def test_a_subclass_that_opens_in_a_way_of_its_own_is_asked_itself(tmp_path: Path) -> None:
    class Own(FileSystemStorage):
        def _open(self, name: str, mode: str = "rb") -> File[Any]:
            return File(open(self.path(name), mode))

    assert not adapter_for(Own(tmp_path)).can_create


def test_a_missing_file_is_said_as_the_system_says_it_and_who_said_so() -> None:
    storage = FallbackStorage(
        [{"BACKEND": InMemoryStorage(), "NAME": name} for name in ("first", "second")]
    )
    with pytest.raises(FileNotFoundError, match="No such file or directory") as caught:
        storage.open("a.txt")
    assert caught.value.__notes__ == [f"{storage!r}: first said missing, second said missing."]


def test_who_cannot_say_whether_it_holds_a_file_without_the_method_is_named() -> None:
    """It has no such method, and it does not answer: the file is not missing."""

    class Silent(Storage):
        def exists(self, name: str) -> bool:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")

    with pytest.raises(ConnectionRefusedError):
        FallbackStorage([InMemoryStorage(), Silent()]).get_modified_time("a.txt")
