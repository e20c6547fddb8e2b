"""A site's files are read as from any other storage, and nothing is ever written."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.test import override_settings
from django.utils import timezone

from fallback_storage.backend.adapters import adapter_for
from fallback_storage.errors import ReadOnlyStorageError, UnsupportedOperation
from fallback_storage.http import HTTPStorage

from .conftest import MakeHTTP
from .site import LAST_MODIFIED, Request, Site


def read(storage: HTTPStorage, name: str) -> bytes:
    with storage.open(name) as file:
        return bytes(file.read())


def test_a_file_is_read(site: Site, make_http: MakeHTTP) -> None:
    site.files["photos/großes bild.jpg"] = b"\xff\xd8picture"
    with make_http().open("photos/großes bild.jpg") as file:
        assert isinstance(file, File)
        assert (file.name, file.size, file.mode) == ("photos/großes bild.jpg", 9, "rb")
        assert file.read(2) == b"\xff\xd8"
        file.seek(0)
        assert b"".join(file.chunks(4)) == b"\xff\xd8picture"
    assert site.asked == [("GET", "/media/photos/gro%C3%9Fes%20bild.jpg")]


def test_text_is_utf_8(site: Site, make_http: MakeHTTP) -> None:
    site.files["a.txt"] = "Größe\r\n".encode()
    with make_http().open("a.txt", "r") as file:
        assert file.read() == "Größe\n"
        assert file.size == 9


def test_an_empty_file_is_a_file(site: Site, make_http: MakeHTTP) -> None:
    site.files["a"] = b""
    assert make_http().exists("a")
    assert make_http().size("a") == 0
    assert read(make_http(), "a") == b""


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_file_goes_to_the_disk(site: Site, make_http: MakeHTTP, chunked: bool) -> None:
    content = bytes(range(256)) * 1000

    def answer(request: Request) -> None:
        if not chunked:
            return request.reply(200, content)
        request.start(Transfer_Encoding="chunked")
        for begin in range(0, len(content), 50_000):
            chunk = content[begin : begin + 50_000]
            request.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        request.wfile.write(b"0\r\n\r\n")

    site.answer = answer
    with make_http(spool_size=1000).open("a") as file:
        assert file.size == len(content)
        assert file.read() == content


@pytest.mark.parametrize("mode", ["rb", "r"])
def test_an_open_file_has_proved_that_it_is_there(
    site: Site, make_http: MakeHTTP, mode: str
) -> None:
    site.files["a"] = b"a"
    storage = make_http()
    with storage.open("a", mode) as file:
        assert adapter_for(storage).open_checks_existence(file)


def test_an_open_file_cannot_be_changed(site: Site, make_http: MakeHTTP) -> None:
    site.files["a"] = b"a"
    with make_http().open("a") as file, pytest.raises(io.UnsupportedOperation):
        file.write(b"b")


def test_existence_size_and_time_do_not_transfer_the_file(site: Site, make_http: MakeHTTP) -> None:
    site.files["a.jpg"] = b"picture"
    storage = make_http()
    assert storage.exists("a.jpg")
    assert storage.size("a.jpg") == 7
    assert storage.get_modified_time("a.jpg") == datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
    assert site.asked == [("HEAD", "/media/a.jpg")] * 3


def test_a_connection_is_used_again(site: Site, make_http: MakeHTTP) -> None:
    site.files["a"] = b"a"
    storage = make_http(missing_ttl=0)
    for _ in range(3):
        assert read(storage, "a") == b"a"
        assert storage.exists("a")
        assert not storage.exists("b")
        with pytest.raises(FileNotFoundError):
            storage.open("b")
    assert site.connections == 1


def test_time_is_naive_and_local_without_time_zones(site: Site, make_http: MakeHTTP) -> None:
    site.files["a"] = b""
    with override_settings(USE_TZ=False, TIME_ZONE="America/Chicago"):
        modified = make_http().get_modified_time("a")
    assert modified == datetime(2026, 11, 21, 2, 30)


@pytest.mark.parametrize(
    ("text", "hour"),
    [(LAST_MODIFIED, 8), ("Sat, 21 Nov 2026 08:30:00 -0000", 8), ("21 Nov 2026 10:30 +0200", 8)],
)
def test_time_is_utc(site: Site, make_http: MakeHTTP, text: str, hour: int) -> None:
    site.says(200, Last_Modified=text)
    modified = make_http().get_modified_time("a")
    assert modified == datetime(2026, 11, 21, hour, 30, tzinfo=UTC)
    assert timezone.is_aware(modified)


@pytest.mark.parametrize("text", [None, "", "yesterday", "Mon, 41 Nov 2026 08:30:00 GMT"])
def test_a_time_that_the_site_does_not_give_is_unsupported(
    site: Site, make_http: MakeHTTP, text: str | None
) -> None:
    site.says(200, Last_Modified=text)
    with pytest.raises(UnsupportedOperation, match=r"when 'a\.jpg' was modified"):
        make_http().get_modified_time("a.jpg")


def test_a_time_at_the_end_of_all_time_is_unsupported(site: Site, make_http: MakeHTTP) -> None:
    site.says(200, Last_Modified="Fri, 31 Dec 9999 23:59:59 GMT")
    local = override_settings(USE_TZ=False, TIME_ZONE="Asia/Tokyo")
    with local, pytest.raises(UnsupportedOperation):
        make_http().get_modified_time("a.jpg")


@pytest.mark.parametrize("call", ["get_accessed_time", "get_created_time", "path"])
def test_what_http_cannot_say_is_unsupported(site: Site, make_http: MakeHTTP, call: str) -> None:
    with pytest.raises(NotImplementedError):
        getattr(make_http(), call)("a.jpg")
    assert site.asked == []


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("photos/a b.jpg", "photos/a%20b.jpg"),
        ("a#b?c%20.jpg", "a%23b%3Fc%2520.jpg"),
        ("/größe.jpg", "gr%C3%B6%C3%9Fe.jpg"),
        ("a\\b", "a/b"),
        ("admin/", "admin/"),
        ("./", ""),
        ("", ""),
    ],
)
def test_url_asks_nothing(site: Site, make_http: MakeHTTP, name: str, url: str) -> None:
    assert make_http().url(name) == site.base_url + url
    assert site.asked == []


def test_url_does_not_leave_the_site(make_http: MakeHTTP) -> None:
    with pytest.raises(SuspiciousFileOperation):
        make_http().url("../secret")


WRITES: dict[str, Callable[[HTTPStorage], Any]] = {
    "save": lambda storage: storage.save("a", ContentFile(b"b")),
    "_save": lambda storage: storage._save("a", ContentFile(b"b")),
    "delete": lambda storage: storage.delete("a"),
    **{
        mode: partial(Storage.open, name="a", mode=mode)
        for mode in ("wb", "ab", "r+b", "xb", "w", "r+")
    },
}


@pytest.mark.parametrize("write", WRITES)
def test_writing_is_refused_without_a_request(site: Site, make_http: MakeHTTP, write: str) -> None:
    with pytest.raises(ReadOnlyStorageError, match="is read-only"):
        WRITES[write](make_http())
    assert site.asked == []


def test_an_unknown_mode_is_an_error(site: Site, make_http: MakeHTTP) -> None:
    with pytest.raises(ValueError, match="Invalid mode: 'u'"):
        make_http().open("a", "u")
    assert site.asked == []


def test_an_index_gives_the_listing(site: Site, make_http: MakeHTTP) -> None:
    storage = make_http(index=lambda path: ({"sub"}, (f"{path}.jpg", "b.jpg")))
    assert storage.listdir("photos/") == (["sub"], ["photos.jpg", "b.jpg"])
    assert storage.listdir("") == (["sub"], [".jpg", "b.jpg"])
    assert site.asked == []


def test_without_an_index_listing_is_unsupported(make_http: MakeHTTP) -> None:
    with pytest.raises(UnsupportedOperation, match="index"):
        make_http().listdir("photos")


def test_the_root_is_no_file(site: Site, make_http: MakeHTTP) -> None:
    with pytest.raises(UnsupportedOperation):
        make_http().exists("")
    assert site.asked == []


def test_a_copy_that_was_pickled_works(site: Site, make_http: MakeHTTP) -> None:
    site.files["a"] = b"a"
    storage = make_http()
    assert read(storage, "a") == b"a"
    assert read(pickle.loads(pickle.dumps(storage)), "a") == b"a"  # noqa: S301


@pytest.mark.parametrize("mode", ["wb", "r+b", "ab"])
def test_a_closed_file_reopens_from_the_site_and_nowhere_else(
    site: Site, make_http: MakeHTTP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """A file of the same name lies in the working directory."""
    (tmp_path / "photos").mkdir()
    here = tmp_path / "photos" / "a.txt"
    here.write_bytes(b"another's")
    monkeypatch.chdir(tmp_path)
    site.files["photos/a.txt"] = b"the site's"
    file = make_http().open("photos/a.txt")
    file.close()
    with file.open() as reopened:
        assert reopened.read() == b"the site's"
    site.files["photos/a.txt"] = b"newer"
    file.close()
    assert file.open("rb").read() == b"newer"
    file.close()
    with pytest.raises(PermissionError):
        file.open(mode)
    assert here.read_bytes() == b"another's"
