"""``views.serve``: a file of a combined storage as an answer to a request."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, storages
from django.test import Client, override_settings

from fallback_storage import views
from fallback_storage.serving import opening
from fallback_storage.serving.streams import Stream
from fallback_storage.storage import OverlayStorage
from fallback_storage.testing import RemoteFaultyStorage
from tests.django.override import override_storages

# At the end of a request Django looks at the connections to a database that there are.
pytestmark = pytest.mark.django_db

NAME = "photos/a.txt"
LOCAL, REMOTE = b"local" * 50_000, b"remote" * 50_000
DOWN = OSError(errno.ECONNREFUSED, "secret words")


@pytest.fixture
def disk(tmp_path: Path) -> FileSystemStorage:
    return FileSystemStorage(tmp_path / "disk", base_url="/media/")


@pytest.fixture
def production(tmp_path: Path) -> RemoteFaultyStorage:
    beneath = FileSystemStorage(tmp_path / "production", base_url="https://cdn.example/")
    return RemoteFaultyStorage(beneath)


#: What a server would close.
ANSWERS: list[Any] = []


@pytest.fixture(params=[False, True], ids=["", "promote"])
def promote(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(autouse=True)
def overlay(
    disk: FileSystemStorage, production: RemoteFaultyStorage, request: pytest.FixtureRequest
) -> Iterator[OverlayStorage]:
    options = (
        {"promote": request.getfixturevalue("promote")}
        if "promote" in request.fixturenames
        else {}
    )
    backends = [{"BACKEND": disk}, {"BACKEND": production, "NAME": "production", "BREAKER": False}]
    entry = {
        "BACKEND": "fallback_storage.storage.OverlayStorage",
        "OPTIONS": {"backends": backends, **options},
    }
    plain = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    with override_storages(
        {"default": entry, "plain": plain}, ROOT_URLCONF="tests.serving.urls", DEBUG=True
    ):
        yield storages["default"]  # type: ignore[misc]
        while ANSWERS:
            ANSWERS.pop().close()


def body(answer: Any) -> bytes:
    if answer.streaming:
        content = b"".join(answer.streaming_content)
        answer.close()
        return content
    return bytes(answer.content)


def get(path: str, **headers: str) -> Any:
    ANSWERS.append(Client().get(path, headers=headers))
    return ANSWERS[-1]


def place(where: str, disk: FileSystemStorage, production: RemoteFaultyStorage) -> bytes:
    if where == "disk":
        disk.save(NAME, ContentFile(LOCAL))
        return LOCAL
    production.save(NAME, ContentFile(REMOTE))
    production.forget()
    return REMOTE


each_place = pytest.mark.parametrize("where", ["disk", "production"])


@each_place
def test_a_file_is_served_whole_with_what_is_known_of_it(
    where: str, disk: FileSystemStorage, production: RemoteFaultyStorage, promote: bool
) -> None:
    content = place(where, disk, production)
    answer = get(f"/allowed/{NAME}")
    assert answer.status_code == 200
    assert body(answer) == content
    assert answer["Content-Length"] == str(len(content))
    assert answer["Content-Type"] == "text/plain"
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["Cache-Control"] == "private"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["ETag"].startswith('"')
    assert answer["Last-Modified"]
    assert disk.exists(NAME) is (where == "disk" or promote)


@each_place
def test_head_says_the_same_and_sends_nothing(
    where: str, disk: FileSystemStorage, production: RemoteFaultyStorage, promote: bool
) -> None:
    content = place(where, disk, production)
    head = Client().head(f"/allowed/{NAME}")
    assert head.status_code == 200
    assert disk.exists(NAME) is (where == "disk")
    whole = get(f"/allowed/{NAME}")
    body(whole)
    assert not head.content
    assert head["Content-Length"] == str(len(content))
    kept = ("ETag", "Last-Modified") if where == "disk" or not promote else ()
    for header in ("Content-Type", *kept):  # A copy of a storage that tells no time is newer.
        assert head[header] == whole[header]
    assert Client().post(f"/allowed/{NAME}").status_code == 405


@each_place
@pytest.mark.parametrize(
    ("range_", "start", "stop"),
    [("bytes=0-9", 0, 10), ("bytes=100000-100004", 100_000, 100_005), ("bytes=-7", -7, None)],
)
def test_a_part_is_served(
    where: str,
    range_: str,
    start: int,
    stop: int | None,
    disk: FileSystemStorage,
    production: RemoteFaultyStorage,
    promote: bool,
) -> None:
    content = place(where, disk, production)
    answer = get(f"/allowed/{NAME}", Range=range_)
    assert answer.status_code == 206
    assert body(answer) == content[start:stop]
    first = start % len(content)
    last = first + len(content[start:stop]) - 1
    assert answer["Content-Range"] == f"bytes {first}-{last}/{len(content)}"
    assert answer["Content-Length"] == str(len(content[start:stop]))


@each_place
def test_a_part_that_is_not_there_is_416(
    where: str, disk: FileSystemStorage, production: RemoteFaultyStorage
) -> None:
    content = place(where, disk, production)
    answer = get(f"/allowed/{NAME}", Range="bytes=9999999-")
    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{len(content)}"


@each_place
def test_several_parts_are_the_whole_file(
    where: str, disk: FileSystemStorage, production: RemoteFaultyStorage
) -> None:
    content = place(where, disk, production)
    answer = get(f"/allowed/{NAME}", Range="bytes=0-1,5-6")
    assert answer.status_code == 200
    assert body(answer) == content


@each_place
def test_what_the_client_has_is_not_sent_again(
    where: str, disk: FileSystemStorage, production: RemoteFaultyStorage
) -> None:
    content = place(where, disk, production)
    first = get(f"/allowed/{NAME}")
    body(first)
    for condition in (
        {"If-None-Match": first["ETag"]},
        {"If-None-Match": f'"x", {first["ETag"]}'},
        {"If-Modified-Since": first["Last-Modified"]},
    ):
        answer = get(f"/allowed/{NAME}", **condition)
        assert answer.status_code == 304
        assert answer["ETag"] == first["ETag"]
        assert not answer.content
    assert body(get(f"/allowed/{NAME}", **{"If-None-Match": '"x"'})) == content


@each_place
def test_the_first_backend_may_be_remote(
    where: str, disk: FileSystemStorage, production: RemoteFaultyStorage
) -> None:
    content = place(where, disk, production)
    backends = [{"BACKEND": production, "BREAKER": False}, {"BACKEND": disk}]
    entry = {
        "BACKEND": "fallback_storage.storage.FallbackStorage",
        "OPTIONS": {"backends": backends},
    }
    with override_storages({"default": entry}, DEBUG=True):
        assert body(get(f"/allowed/{NAME}")) == content
        part = get(f"/allowed/{NAME}", Range="bytes=1-3")
        assert (part.status_code, body(part)) == (206, content[1:4])


@each_place
def test_the_rest_is_sent_only_of_the_same_file(
    where: str, disk: FileSystemStorage, production: RemoteFaultyStorage
) -> None:
    content = place(where, disk, production)
    first = get(f"/allowed/{NAME}")
    body(first)
    for validator in (first["ETag"], first["Last-Modified"]):
        answer = get(f"/allowed/{NAME}", Range="bytes=5-", **{"If-Range": validator})
        assert (answer.status_code, body(answer)) == (206, content[5:])
    for validator in ('"x"', f"W/{first['ETag']}", "Sat, 01 Jan 2000 00:00:00 GMT", "nonsense"):
        answer = get(f"/allowed/{NAME}", Range="bytes=5-", **{"If-Range": validator})
        assert (answer.status_code, body(answer)) == (200, content)


def test_the_validator_changes_at_most_once_at_promotion(
    disk: FileSystemStorage, production: RemoteFaultyStorage, overlay: OverlayStorage
) -> None:
    place("production", disk, production)
    tags = []
    for _ in range(2):
        tags.append(get(f"/allowed/{NAME}")["ETag"])
    disk.save(NAME, ContentFile(REMOTE))
    for _ in range(2):
        tags.append(get(f"/allowed/{NAME}")["ETag"])
    assert tags[0] == tags[1]
    assert tags[2] == tags[3]


@pytest.mark.parametrize(
    "path", ["photos/none.txt", "photos", "photos/", "../a", "a/../../b", ".wh.a.txt", "a\0b"]
)
def test_what_is_no_file_is_404(disk: FileSystemStorage, path: str) -> None:
    disk.save(NAME, ContentFile(b"1"))
    assert get(f"/allowed/{path}").status_code == 404


def test_a_deleted_file_is_404_and_one_saved_again_is_served(
    disk: FileSystemStorage, production: RemoteFaultyStorage, overlay: OverlayStorage
) -> None:
    place("production", disk, production)
    overlay.delete(NAME)
    assert get(f"/allowed/{NAME}").status_code == 404
    overlay.save(NAME, ContentFile(b"again"))
    assert body(get(f"/allowed/{NAME}")) == b"again"


def test_a_missing_file_is_asked_for_once_in_a_moment(production: RemoteFaultyStorage) -> None:
    for _ in range(5):
        assert get("/allowed/photos/none.txt").status_code == 404
    assert 0 < len(production.calls) <= 2


@pytest.mark.parametrize("path", ["allowed", "redirecting"])
@pytest.mark.parametrize("debug", [False, True])
def test_an_outage_is_503_and_is_not_remembered(
    production: RemoteFaultyStorage, disk: FileSystemStorage, path: str, debug: bool
) -> None:
    content = place("production", disk, production)
    production.stage("*", error=DOWN)
    with override_settings(DEBUG=debug):
        answer = get(f"/{path}/{NAME}")
        assert answer.status_code == 503
        assert int(answer["Retry-After"]) > 0
        assert answer["Cache-Control"] == "no-store"
        assert (b"production" in answer.content) is debug
        assert b"secret" not in answer.content
        production.heal()
        assert get(f"/{path}/{NAME}").status_code in {200, 302}
    assert body(get(f"/allowed/{NAME}")) == content


def test_what_the_disk_has_is_served_while_production_is_down(
    production: RemoteFaultyStorage, disk: FileSystemStorage
) -> None:
    content = place("disk", disk, production)
    production.stage("*", error=DOWN)
    assert body(get(f"/allowed/{NAME}")) == content


def test_a_file_that_ends_too_early_is_a_broken_transfer(
    production: RemoteFaultyStorage, disk: FileSystemStorage
) -> None:
    place("disk", disk, production)
    answer = get(f"/allowed/{NAME}")
    os.truncate(disk.path(NAME), 100_000)
    with pytest.raises(OSError, match="too early"):
        body(answer)
    answer.close()


def test_a_redirect_leads_to_the_holder_for_a_minute_at_most(
    production: RemoteFaultyStorage, disk: FileSystemStorage
) -> None:
    place("production", disk, production)
    answer = get(f"/redirecting/{NAME}")
    assert answer.status_code == 302
    assert answer["Location"] == f"https://cdn.example/{NAME}"
    assert answer["Cache-Control"] == "private, max-age=60"
    assert get("/redirecting/photos/none.txt").status_code == 404
    content = place("disk", disk, production)
    assert body(get(f"/redirecting/{NAME}")) == content


def test_a_redirect_that_would_lead_back_is_served(
    production: RemoteFaultyStorage, disk: FileSystemStorage
) -> None:
    content = place("production", disk, production)
    production.wrapped.base_url = "/redirecting/"  # type: ignore[attr-defined]
    assert body(get(f"/redirecting/{NAME}")) == content


def test_it_is_off_without_debug_unless_it_is_allowed(disk: FileSystemStorage) -> None:
    disk.save(NAME, ContentFile(b"1"))
    assert get(f"/debug/{NAME}").status_code == 200
    with override_settings(DEBUG=False):
        assert get(f"/debug/{NAME}").status_code == 404
        assert get(f"/allowed/{NAME}").status_code == 200


def test_who_may_not_see_a_file_does_not_learn_whether_it_is_there(
    disk: FileSystemStorage, production: RemoteFaultyStorage
) -> None:
    disk.save(NAME, ContentFile(b"1"))
    for name in (NAME, "photos/none.txt"):
        assert get(f"/friends/{name}").status_code == 403
    assert get(f"/friends/{NAME}", **{"X-Friend": "yes"}).status_code == 200
    assert get("/friends/secret/a.txt", **{"X-Friend": "yes"}).status_code == 403
    assert not production.calls


@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.xml", "a.xhtml", "a.rss"])
@each_place
def test_what_a_browser_would_run_is_sandboxed(
    name: str, where: str, disk: FileSystemStorage, production: RemoteFaultyStorage
) -> None:
    (disk if where == "disk" else production).save(name, ContentFile(b"<x/>"))
    assert get(f"/allowed/{name}")["Content-Security-Policy"] == "sandbox"
    answer = get(f"/open/{name}")
    assert "Content-Security-Policy" not in answer
    assert answer["Cache-Control"] == "public, max-age=60"


def test_a_compressed_file_is_said_to_be(disk: FileSystemStorage) -> None:
    disk.save("a.txt.gz", ContentFile(b"1"))
    answer = get("/allowed/a.txt.gz")
    assert (answer["Content-Type"], answer["Content-Encoding"]) == ("text/plain", "gzip")
    disk.save("noextension", ContentFile(b"1"))
    assert get("/allowed/noextension")["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(("path", "says"), [("wrong", "mode must be"), ("plain", "no combined")])
def test_a_mistake_in_the_urlconf_is_said(path: str, says: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=says):
        get(f"/{path}/{NAME}")


def test_only_so_many_files_of_remote_backends_are_sent_at_a_time(
    monkeypatch: pytest.MonkeyPatch, disk: FileSystemStorage, production: RemoteFaultyStorage
) -> None:
    place("production", disk, production)
    monkeypatch.setattr(views, "_remote_streams", threading.BoundedSemaphore(1))
    first = get(f"/allowed/{NAME}")
    second = get(f"/allowed/{NAME}")
    assert second.status_code == 503
    first.close()
    third = get(f"/allowed/{NAME}")
    assert body(third) == REMOTE
    disk.save("b.txt", ContentFile(b"1"))
    fourth = get(f"/allowed/{NAME}")
    assert get("/allowed/b.txt").status_code == 200
    fourth.close()


@each_place
def test_a_condition_that_does_not_hold_is_412(
    where: str, disk: FileSystemStorage, production: RemoteFaultyStorage
) -> None:
    place(where, disk, production)
    assert get(f"/allowed/{NAME}", **{"If-Match": '"x"'}).status_code == 412


def test_a_storage_that_tells_no_time_gives_no_validators(
    production: RemoteFaultyStorage, disk: FileSystemStorage
) -> None:
    content = place("production", disk, production)
    production.stage("get_modified_time", error=NotImplementedError())
    answer = get(f"/allowed/{NAME}")
    assert "ETag" not in answer
    assert "Last-Modified" not in answer
    assert body(answer) == content
    conditional = get(f"/allowed/{NAME}", Range="bytes=5-", **{"If-Range": '"x"'})
    assert (conditional.status_code, body(conditional)) == (200, content)


def test_a_storage_in_memory_is_served() -> None:
    memory = InMemoryStorage()
    memory.save(NAME, ContentFile(LOCAL))
    entry = {
        "BACKEND": "fallback_storage.storage.OverlayStorage",
        "OPTIONS": {"backends": [memory, InMemoryStorage()]},
    }
    with override_storages({"default": entry}, ROOT_URLCONF="tests.serving.urls", DEBUG=True):
        assert body(get(f"/allowed/{NAME}", Range="bytes=5-")) == LOCAL[5:]


def test_a_file_that_cannot_be_measured_is_closed_and_503(
    production: RemoteFaultyStorage, disk: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    place("production", disk, production)

    def unmeasured(*_: Any) -> int:
        raise DOWN

    monkeypatch.setattr(opening, "_size", unmeasured)
    assert get(f"/allowed/{NAME}").status_code == 503  # A file left open would be a warning.


def test_what_cannot_seek_is_measured_by_its_storage_and_read_up_to_a_part(
    production: RemoteFaultyStorage, disk: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = place("production", disk, production)
    monkeypatch.setattr("django.core.files.base.File.seekable", lambda self: False)
    answer = get(f"/allowed/{NAME}", Range="bytes=5-9")
    assert (answer.status_code, body(answer)) == (206, content[5:10])


def test_a_stream_lets_go_once() -> None:
    released: list[str] = []
    stream = Stream(ContentFile(b"x"), 1, lambda: released.append("released"))
    assert [*stream] == [b"x"]
    stream.close()
    stream.close()
    assert released == ["released"]


def test_a_mistake_of_a_storage_is_raised(production: RemoteFaultyStorage) -> None:
    production.stage("*", error=ImproperlyConfigured("no bucket"))
    with pytest.raises(ImproperlyConfigured, match="no bucket"):
        get(f"/allowed/{NAME}")
