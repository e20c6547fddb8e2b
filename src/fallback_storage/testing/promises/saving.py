"""What is saved is what is read, whatever it was saved from."""

from __future__ import annotations

import io
from concurrent.futures import Future

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage

from .capabilities import Capabilities
from .material import (
    BrokenContent,
    ContentBrokeError,
    put,
    read,
    refuses,
    save_together,
    stream,
    temporary_upload,
)

_LARGE = bytes(range(256)) * 4 * 1024 * 3


class SavingPromises(Capabilities):
    """Contents: every byte or an error."""

    def test_a_saved_file_reads_back_whole(self) -> None:
        """Empty, small, and 3 MiB."""
        storage = self.make_storage()
        for name, content in {"empty.bin": b"", "small.bin": b"\x00\xff", "l.bin": _LARGE}.items():
            assert read(storage, put(storage, name, content)) == content

    def test_content_that_was_read_before_is_saved_from_its_start(self) -> None:
        """A validator has read the upload."""
        storage, content = self.make_storage(), ContentFile(b"read before")
        content.read()
        assert read(storage, storage.save("read.bin", content)) == b"read before"

    def test_a_plain_python_file_is_saved_whole(self) -> None:
        """Without Django's ``chunks``."""
        storage = self.make_storage()
        assert read(storage, storage.save("plain.bin", io.BytesIO(_LARGE))) == _LARGE

    def test_a_stream_that_cannot_seek_is_saved_whole(self) -> None:
        """A pipe, a response's body."""
        storage = self.make_storage()
        with stream(_LARGE) as content:
            if self.takes_streams:
                assert read(storage, storage.save("stream.bin", content)) == _LARGE
                return
            with refuses(Exception):
                storage.save("stream.bin", content)
        assert not storage.exists("stream.bin")

    def test_a_temporary_upload_is_saved_whole(self) -> None:
        """A storage may move its file away, but not lose a byte."""
        storage = self.make_storage()
        with temporary_upload(_LARGE) as upload:
            name = storage.save("upload.bin", upload)
        assert read(storage, name) == _LARGE

    def test_text_is_saved_as_bytes(self) -> None:
        """Of the ASCII that every encoding shares."""
        storage = self.make_storage()
        if self.takes_text:
            assert read(storage, storage.save("text.txt", ContentFile("text"))) == b"text"
            return
        with refuses(Exception):
            storage.save("text.txt", ContentFile("text"))
        assert not storage.exists("text.txt")

    def test_saving_leaves_the_content_open(self) -> None:
        """It is the caller's to close."""
        content = File(io.BytesIO(b"open"))
        self.make_storage().save("open.bin", content)
        assert content.closed is self.closes_content

    def test_one_content_can_be_saved_twice(self) -> None:
        """Each time from its start."""
        storage, content = self.make_storage(), ContentFile(b"twice")
        for name in ("one.bin", "two.bin"):
            assert read(storage, storage.save(name, content)) == b"twice"

    def test_content_that_breaks_half_way_leaves_nothing(self) -> None:
        """The content's own error comes out."""
        storage = self.make_storage()
        with refuses(ContentBrokeError):
            storage.save("broken.bin", BrokenContent())
        assert storage.exists("broken.bin") is self.leaves_partial_files
        if self.supports_listdir:
            assert len(storage.listdir("")[1]) == self.leaves_partial_files

    def test_two_threads_that_save_one_name_keep_both_files(self) -> None:
        """Where a name is overwritten, the file left is whole."""
        storage, contents = self.make_storage(), (b"a" * 64, b"b" * 64)
        # To miss the race now and then matters where files are expected to be lost in it.
        patience = 0.5 if self.keeps_concurrent_saves else 5
        saved = save_together(storage, "raced.bin", *contents, patience=patience)
        if self.overwrites:
            assert read(storage, "raced.bin") in contents
            return
        kept = all(map(_kept, [storage] * 2, saved, contents))
        assert kept is self.keeps_concurrent_saves


def _kept(storage: Storage, saved: Future[str], content: bytes) -> bool:
    # Threads that share a file break each other in more than one way.
    return saved.exception() is None and bool(read(storage, saved.result()) == content)
