"""Content is given to each attempt whole and from its start, whatever it is."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import (
    InMemoryUploadedFile,
    SimpleUploadedFile,
    TemporaryUploadedFile,
)

from fallback_storage.backend.content import Content

BODY = b"0123456789" * 1000


def pipe() -> io.BufferedReader:
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "wb") as file:
        file.write(BODY)
    return os.fdopen(read_end, "rb")


def temporary_upload() -> TemporaryUploadedFile:
    upload = TemporaryUploadedFile("a.txt", "text/plain", len(BODY), None)
    upload.write(BODY)
    return upload


def named_temporary_file() -> Any:
    file = tempfile.NamedTemporaryFile()
    file.write(BODY)
    return file


class OwnRead(File):  # type: ignore[type-arg]
    """Like a storage's file: nothing is in ``file`` until it is first read."""

    def __init__(self) -> None:
        self._read = False
        super().__init__(io.BytesIO(), "own")

    def read(self, size: int = -1) -> bytes:
        if not self._read:
            self._read, self.file = True, io.BytesIO(BODY)
        data: bytes = cast(BinaryIO, self.file).read(size)
        return data


class OwnChunks(File):  # type: ignore[type-arg]
    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield BODY[:7]
        yield BODY[7:]


class OnlyRead:
    def __init__(self) -> None:
        self._inner = io.BytesIO(BODY)

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(size)

    def close(self) -> None:
        self._inner.close()


CONTENTS: dict[str, Callable[[], Any]] = {
    "ContentFile": lambda: ContentFile(BODY),
    "text ContentFile": lambda: ContentFile(BODY.decode()),
    "BytesIO": lambda: io.BytesIO(BODY),
    "StringIO": lambda: io.StringIO(BODY.decode()),
    "InMemoryUploadedFile": lambda: InMemoryUploadedFile(
        io.BytesIO(BODY), None, "a.txt", "text/plain", len(BODY), None
    ),
    "SimpleUploadedFile": lambda: SimpleUploadedFile("a.txt", BODY),
    "TemporaryUploadedFile": temporary_upload,
    "NamedTemporaryFile": named_temporary_file,
    "pipe": pipe,
    "File of a pipe": lambda: File(pipe()),
    "own read": OwnRead,
    "own chunks": lambda: OwnChunks(io.BytesIO()),
    "only read": OnlyRead,
    "File of only read": lambda: File(OnlyRead()),  # type: ignore[arg-type]
}


@pytest.fixture(params=list(CONTENTS))
def content(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = CONTENTS[request.param]()
    yield made
    if hasattr(made, "close"):
        made.close()


def test_every_attempt_reads_all(content: Any) -> None:
    with Content(content) as whole:
        first = whole.handle("x")
        first.read(10)
        assert whole.handle("x").read() == BODY
        assert b"".join(whole.handle("x").chunks()) == BODY
        assert whole.error is None


def test_an_attempt_cannot_close_the_content(content: Any) -> None:
    with Content(content) as whole:
        whole.handle("x").close()
        assert whole.handle("x").read() == BODY


def test_what_was_read_before_is_read_again() -> None:
    upload = SimpleUploadedFile("a.txt", BODY)
    upload.read()
    with Content(upload) as whole:
        assert whole.handle("a.txt").read() == BODY


def test_a_handle_is_a_file_to_measure_and_to_seek_in() -> None:
    with Content(ContentFile(BODY)) as whole:
        handle = whole.handle("dir/a.txt")
        assert handle.name == "dir/a.txt"
        assert handle.size == len(BODY)
        assert handle.readable()
        assert handle.seekable()
        handle.seek(-4, os.SEEK_END)
        assert (handle.read(2), handle.tell()) == (BODY[-4:-2], len(BODY) - 2)
        assert handle.file.read1(1) == BODY[-2:-1]  # type: ignore[union-attr]
        assert handle.read(None) == BODY[-1:]


def test_the_content_type_travels() -> None:
    with Content(SimpleUploadedFile("a.svg", BODY, "image/svg+xml")) as whole:
        assert vars(whole.handle("x"))["content_type"] == "image/svg+xml"


def test_a_temporary_file_is_not_moved_away() -> None:
    upload = temporary_upload()
    with Content(upload) as whole:
        assert not hasattr(whole.handle("x"), "temporary_file_path")
    upload.close()


def test_text_is_stored_as_utf_8() -> None:
    with Content(ContentFile("héllo ✓")) as whole:
        assert whole.handle("x").read() == "héllo ✓".encode()


def test_what_can_be_read_again_is_not_copied() -> None:
    upload = temporary_upload()
    with Content(upload) as whole:
        assert not whole.is_spooled
        assert whole.handle("x").read() == BODY
    upload.close()


class Broken(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        if size:
            raise RuntimeError("half-way")
        return b""


def test_an_error_of_the_content_is_remembered() -> None:
    with Content(File(Broken(BODY))) as whole:
        handle = whole.handle("x")
        with pytest.raises(RuntimeError, match="half-way"):
            handle.read(5)
        assert isinstance(whole.error, RuntimeError)


def test_content_that_breaks_while_it_is_spooled_raises_before_any_attempt() -> None:
    class BrokenChunks(File):  # type: ignore[type-arg]
        def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
            yield b"half"
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"), Content(BrokenChunks(io.BytesIO())):
        pytest.fail("an attempt was made")


def test_closed_content_raises_as_the_contents_error() -> None:
    closed = io.BytesIO(BODY)
    closed.close()
    with pytest.raises(ValueError, match="closed file"):
        Content(File(closed))


def test_a_member_of_a_tar_stream_is_content() -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as writer:
        member = tarfile.TarInfo("a.txt")
        member.size = len(BODY)
        writer.addfile(member, io.BytesIO(BODY))
    archive.seek(0)
    with tarfile.open(fileobj=archive, mode="r|") as stream:
        opened = stream.extractfile(cast(tarfile.TarInfo, stream.next()))
        with Content(File(cast(Any, opened), "a.txt")) as whole:
            assert whole.handle("x").read() == BODY
            assert whole.handle("x").read() == BODY
