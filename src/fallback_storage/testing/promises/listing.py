"""Directories as a storage has them, and what deleting leaves."""

from __future__ import annotations

import contextlib

from django.core.files.storage import Storage

from .capabilities import Capabilities
from .material import put, refuses


class ListingPromises(Capabilities):
    """``listdir``, directories, ``delete``."""

    def test_a_listing_has_each_directory_and_file_once(self) -> None:
        """By its last part, at each level."""
        storage = self.make_storage()
        for name in ("a.txt", "d/b.txt", "d/e/c.txt", "d/e/f.txt"):
            put(storage, name)
        if not self._lists(storage):
            return
        for path, expected in {
            "": (["d"], ["a.txt"]),
            "d": (["e"], ["b.txt"]),
            "d/e": ([], ["c.txt", "f.txt"]),
        }.items():
            directories, files = storage.listdir(path)
            assert (sorted(directories), sorted(files)) == expected

    def test_listing_a_missing_directory_raises_file_not_found(self) -> None:
        """Where there are directories; elsewhere it is empty."""
        storage = self.make_storage()
        if not self._lists(storage):
            return
        if self.directories_exist:
            with refuses(FileNotFoundError):
                storage.listdir("missing")
            return
        directories, files = storage.listdir("missing")
        assert (list(directories), list(files)) == ([], [])

    def test_a_directory_exists_when_a_file_lies_in_it(self) -> None:
        """Where there are directories."""
        storage = self.make_storage()
        put(storage, "dir/file.bin")
        assert storage.exists("dir/") is self.directories_exist

    def test_a_deleted_file_is_gone(self) -> None:
        """And its neighbour is not; its name is free again."""
        storage = self.make_storage()
        name, neighbour = put(storage, "d/gone.bin"), put(storage, "d/stays.bin")
        storage.delete(name)
        assert not storage.exists(name)
        assert storage.exists(neighbour)
        assert put(storage, name) == name

    def test_deleting_a_missing_file_is_silent(self) -> None:
        """In a missing directory, too."""
        storage = self.make_storage()
        for name in ("missing.bin", "missing/missing.bin"):
            storage.delete(name)

    def test_deleting_needs_a_name(self) -> None:
        """The empty one deletes nothing."""
        storage = self.make_storage()
        name = put(storage, "file.bin")
        with refuses(ValueError) if self.delete_needs_a_name else contextlib.nullcontext():
            storage.delete("")
        assert storage.exists(name)

    def test_deleting_a_directory_keeps_its_files(self) -> None:
        """Whether it is an error or nothing."""
        storage = self.make_storage()
        name = put(storage, "dir/file.bin")
        with contextlib.suppress(Exception):  # either is well, if the file is there
            storage.delete("dir")
        assert storage.exists(name) is not self.deletes_trees

    def _lists(self, storage: Storage) -> bool:
        """Whether listing is declared; if not, it is not implemented."""
        if not self.supports_listdir:
            with refuses(NotImplementedError):
                storage.listdir("")
        return self.supports_listdir
