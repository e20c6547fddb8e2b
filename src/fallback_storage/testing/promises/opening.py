"""Opened files: what each mode does, and when a missing file is missed."""

from __future__ import annotations

from .capabilities import Capabilities
from .material import put, read, refuses, write


class OpeningPromises(Capabilities):
    """Files handed out by ``open``."""

    def test_opening_a_missing_file_raises_file_not_found(self) -> None:
        """At the first read, where ``open`` is lazy."""
        storage = self.make_storage()
        if self.lazy_open:
            with storage.open("missing.bin") as file, refuses(FileNotFoundError):
                file.read()
            return
        with refuses(FileNotFoundError):
            storage.open("missing.bin")

    def test_a_file_can_be_read_in_pieces(self) -> None:
        """From where the last read ended, and again from where one seeks to."""
        storage = self.make_storage()
        with storage.open(put(storage, "pieces.bin", b"0123456789")) as file:
            assert [file.read(4), file.read(4), file.read(4)] == [b"0123", b"4567", b"89"]
            file.seek(8)
            assert file.read() == b"89"

    def test_text_mode_reads_text(self) -> None:
        """Where it is declared, bytes elsewhere."""
        storage = self.make_storage()
        name = put(storage, "text.txt", b"text")
        assert read(storage, name, "r") == ("text" if self.opens_text else b"text")
        assert read(storage, name) == b"text"

    def test_a_closed_file_is_closed(self) -> None:
        """Reading it is an error."""
        storage = self.make_storage()
        with storage.open(put(storage, "closed.bin", b"closed")) as file:
            file.read()
        assert file.closed is self.closes_files
        if self.closes_files:
            with refuses(ValueError):
                file.read()

    def test_two_readers_do_not_disturb_each_other(self) -> None:
        """Each has a position of its own."""
        storage = self.make_storage()
        name = put(storage, "shared.bin", b"shared")
        with storage.open(name) as one, storage.open(name) as other:
            assert one.read(2) == b"sh"
            assert other.read() == (b"shared" if self.independent_positions else b"ared")

    def test_a_file_opened_for_writing_holds_what_was_written(self) -> None:
        """In two pieces, when it is closed."""
        if not self._writes("wb"):
            return
        storage = self.make_storage()
        with storage.open("written.bin", "wb") as file:
            file.write(b"one,")
            file.write(b"two")
        assert read(storage, "written.bin") == b"one,two"

    def test_opening_for_writing_makes_the_directory(self) -> None:
        """As saving does."""
        if not self._writes("wb"):
            return
        storage = self.make_storage()
        if self.open_makes_directories:
            write(storage, "new/written.bin", "wb", b"written")
            assert read(storage, "new/written.bin") == b"written"
            return
        with refuses(FileNotFoundError):
            write(storage, "new/written.bin", "wb", b"written")

    def test_opening_for_writing_empties_the_file(self) -> None:
        """Nothing of a longer file is left."""
        if not self._writes("wb"):
            return
        storage = self.make_storage()
        name = put(storage, "longer.bin", b"was longer")
        write(storage, name, "wb", b"new")
        assert read(storage, name) == (b"new" if self.truncates else b"new longer")

    def test_appending_writes_at_the_end(self) -> None:
        """The file keeps what it had."""
        if not self._writes("ab"):
            return
        storage = self.make_storage()
        name = put(storage, "log.bin", b"first")
        write(storage, name, "ab", b"2nd")
        assert read(storage, name) == (b"first2nd" if self.appends else b"2ndst")

    def test_updating_writes_in_place(self) -> None:
        """Only what is written over changes."""
        if not self._writes("r+b"):
            return
        storage = self.make_storage()
        name = put(storage, "update.bin", b"before")
        write(storage, name, "r+b", b"BE")
        assert read(storage, name) == b"BEfore"

    def _writes(self, mode: str) -> bool:
        """Whether the mode is declared; if not, it is refused and the file keeps its content."""
        if mode in self.write_modes:
            return True
        storage = self.make_storage()
        name = put(storage, "kept.bin", b"kept")
        with refuses(Exception):
            write(storage, name, mode, b"lost")
        assert read(storage, name) == b"kept"
        return False
