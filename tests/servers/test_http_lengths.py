"""Sizes and bodies: whole, or an error; and what is asked where HEAD is refused."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

import pytest

from fallback_storage.errors import UnsupportedOperation
from fallback_storage.http import UnexpectedAnswer
from fallback_storage.outcomes import Outcome, classify

from .conftest import MakeHTTP
from .site import BODY_OF_ERRORS, LAST_MODIFIED, Request, Site


def refusing_head(status: int, site: Site, then: str = "range") -> None:
    def answer(request: Request) -> None:
        content = site.files.get(request.name)
        if request.command == "HEAD":
            request.reply(status)
        elif content is None:
            request.reply(404)
        elif then == "range" and not content:
            request.reply(416, BODY_OF_ERRORS, Content_Range="bytes */0")
        elif then == "range" and request.headers["Range"] == "bytes=0-0":
            total = f"bytes 0-0/{len(content)}"
            request.reply(206, content[:1], Content_Range=total, Last_Modified=LAST_MODIFIED)
        else:
            request.reply(200, content)

    site.answer = answer


@pytest.mark.parametrize("then", ["range", "whole"])
@pytest.mark.parametrize("status", [403, 405, 501])
def test_where_head_is_refused_a_get_answers(
    site: Site, make_http: MakeHTTP, status: int, then: str
) -> None:
    site.files |= {"a": b"picture", "empty": b""}
    refusing_head(status, site, then)
    storage = make_http(expect=["image/*"])
    assert storage.exists("a")
    assert storage.size("a") == 7
    assert storage.exists("empty")
    assert storage.size("empty") == 0
    assert not storage.exists("b")
    assert [method for method, _ in site.asked] == ["HEAD", "GET"] * 5


def test_where_head_is_refused_the_time_is_known(site: Site, make_http: MakeHTTP) -> None:
    site.files["a"] = b"picture"
    refusing_head(405, site)
    assert make_http().get_modified_time("a").year == 2026


def test_a_denied_get_after_a_denied_head_is_denied(site: Site, make_http: MakeHTTP) -> None:
    site.says(403)
    with pytest.raises(PermissionError):
        make_http().exists("a")
    assert [method for method, _ in site.asked] == ["HEAD", "GET"]


def test_an_empty_file_without_a_range_has_no_size_but_none(
    site: Site, make_http: MakeHTTP
) -> None:
    site.answer = lambda request: request.reply(405 if request.command == "HEAD" else 416)
    assert make_http().size("a") == 0


def test_a_size_that_head_does_not_give_is_asked_by_get(site: Site, make_http: MakeHTTP) -> None:
    def answer(request: Request) -> None:
        if request.command == "HEAD":
            request.reply(200, Content_Length=None)
        else:
            request.reply(206, b"p", Content_Range="bytes 0-0/7")

    site.answer = answer
    assert make_http().size("a") == 7


@pytest.mark.parametrize("length", [None, "many", "9" * 5000, "-1"])
def test_a_size_that_nobody_gives_is_unsupported(
    site: Site, make_http: MakeHTTP, length: str | None
) -> None:
    def answer(request: Request) -> None:
        if request.command == "HEAD":
            request.reply(200, Content_Length=length)
        else:
            request.reply(206, b"p", Content_Range="bytes 0-0/*")

    site.answer = answer
    with pytest.raises(UnsupportedOperation, match="does not give the size of 'a'"):
        make_http().size("a")


def cut_short(request: Request) -> None:
    request.start(Content_Length="1000")
    request.wfile.write(b"half")
    request.hang_up()


def cut_before_the_end_of_chunks(request: Request) -> None:
    request.start(Transfer_Encoding="chunked")
    request.wfile.write(b"4\r\nhalf\r\n")
    request.hang_up()


def cut_inside_a_chunk(request: Request) -> None:
    request.start(Transfer_Encoding="chunked")
    request.wfile.write(b"8\r\nhalf")
    request.hang_up()


@pytest.mark.parametrize("answer", [cut_short, cut_before_the_end_of_chunks, cut_inside_a_chunk])
def test_half_a_file_is_an_error(site: Site, make_http: MakeHTTP, answer: type[Request]) -> None:
    site.answer = answer
    with pytest.raises(ConnectionError, match=r"No complete response for 'a\.jpg'") as error:
        make_http().open("a.jpg")
    assert classify(error.value) is Outcome.UNREACHABLE


def test_after_half_a_file_the_next_one_is_whole(site: Site, make_http: MakeHTTP) -> None:
    site.files["a"] = b"whole"
    storage = make_http()
    site.answer = cut_short
    with pytest.raises(ConnectionError):
        storage.open("a")
    site.answer = site.serve
    with storage.open("a") as file:
        assert file.read() == b"whole"


def test_two_lengths_are_an_error(site: Site, make_http: MakeHTTP) -> None:
    site.says(200, Content_Length="3, 4")
    with pytest.raises(ConnectionError, match="InvalidHeader"):
        make_http().open("a")


def test_what_comes_after_a_body_is_not_the_next_answer(site: Site, make_http: MakeHTTP) -> None:
    site.files["b"] = b"second"
    storage = make_http()

    def talkative(request: Request) -> None:
        request.reply(200, b"first and more", Content_Length="5")

    site.answer = talkative
    with storage.open("a") as file:
        assert file.read() == b"first"
    site.answer = site.serve
    with storage.open("b") as file:
        assert file.read() == b"second"


@pytest.mark.parametrize("length", ["100", None])
def test_a_file_over_max_size_is_not_opened(
    site: Site, make_http: MakeHTTP, length: str | None
) -> None:
    def answer(request: Request) -> None:
        request.reply(200, bytes(100), Content_Length=length)
        request.hang_up()

    site.answer = answer
    with pytest.raises(OSError, match="Larger than max_size=99") as error:
        make_http(max_size=99).open("a")
    assert error.value.errno == errno.EFBIG
    assert classify(error.value) is Outcome.FAILED
    with make_http(max_size=100).open("a") as file:
        assert file.read() == bytes(100)


def test_a_file_far_over_max_size_is_not_transferred(site: Site, make_http: MakeHTTP) -> None:
    def answer(request: Request) -> None:
        request.start(Content_Length=str(10**12))

    site.answer = answer
    storage = make_http(max_size=99)
    with pytest.raises(OSError, match="max_size"):
        storage.open("a")
    site.answer = site.serve
    assert not storage.exists("a")
    assert site.connections == 2


def test_a_compressed_body_is_an_error(site: Site, make_http: MakeHTTP) -> None:
    site.says(200, Content_Encoding="gzip")
    storage = make_http()
    assert storage.exists("a.svg")
    with pytest.raises(UnexpectedAnswer, match="compressed"):
        storage.open("a.svg")
    with pytest.raises(UnsupportedOperation):
        storage.size("a.svg")
    assert {headers["Accept-Encoding"] for headers in site.headers} == {"identity"}


def test_no_place_to_keep_a_file_does_not_make_it_missing(
    site: Site, make_http: MakeHTTP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.files["a"] = b"picture"
    storage = make_http(spool_size=1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    with pytest.raises(OSError, match="No temporary directory") as error:
        storage.open("a")
    assert classify(error.value) is Outcome.FAILED
    monkeypatch.undo()
    with storage.open("a") as file:
        assert file.read() == b"picture"
