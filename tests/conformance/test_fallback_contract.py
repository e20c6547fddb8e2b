"""The contract of a storage, over FallbackStorage whatever it is made of."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage

from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage, StorageContract
from fallback_storage.testing.promises.material import (
    BrokenContent,
    ContentBrokeError,
    put,
    read,
    refuses,
)

Backends = Sequence[Storage | Mapping[str, Any]]


class CombinedContract(StorageContract):
    """A new combined storage for each promise; each composition names its `backends`."""

    supports_path = True
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _directory(self, tmp_path: Path) -> None:
        self.directory = tmp_path

    def make_storage(self) -> Storage:
        return FallbackStorage(backends=self.backends(), **self.options)

    def backends(self) -> Backends:
        raise NotImplementedError

    def fs(self) -> FileSystemStorage:
        return FileSystemStorage(location=mkdtemp(dir=self.directory))

    def lazy_remote(self) -> Storage:
        return RemoteFaultyStorage(self.fs()).stage("open", lazy=True)


def read_only(storage: Storage) -> Mapping[str, Any]:
    return {"BACKEND": storage, "READ_ONLY": True}


class TestDirectory(CombinedContract):
    """The promises are kept that FileSystemStorage breaks alone."""

    def backends(self) -> Backends:
        return [self.fs()]


class TestTwoDirectories(CombinedContract):
    """Nothing is different where two may be written."""

    def backends(self) -> Backends:
        return [self.fs(), self.fs()]


class TestTwoDirectoriesDeletingFromAll(TestTwoDirectories):
    """Nor where both are deleted from."""

    options: ClassVar = {"delete": "all"}


class TestDirectoryOverReadOnlyDirectory(CombinedContract):
    """Nor where the other cannot be written."""

    def backends(self) -> Backends:
        return [self.fs(), read_only(self.fs())]


class TestDirectoryOverReadOnlyDirectoryDeletingFromAll(TestDirectoryOverReadOnlyDirectory):
    """A read-only backend without the file does not keep it from being deleted."""

    options: ClassVar = {"delete": "all"}


class TestReadOnlyDirectoryOverDirectory(CombinedContract):
    """The one that can be written need not come first."""

    def backends(self) -> Backends:
        return [read_only(self.fs()), self.fs()]


class TestDirectoryOverMemory(CombinedContract):
    """Two kinds of storages."""

    def backends(self) -> Backends:
        return [self.fs(), InMemoryStorage()]


class TestMemoryOverDirectory(CombinedContract):
    """What InMemoryStorage hands out is its own.

    - ``path`` returns a path where nothing lies.
    - An opened file reads the stored node itself: one position for all who opened it, emptied by
      no mode, written from its start by "ab".
    - Of two simultaneous saves of one name, one may be lost: a matter of luck, so not tested.
    - ``delete`` of a directory deletes the tree.
    """

    paths_are_real = False
    independent_positions = False
    truncates = False
    appends = False
    deletes_trees = True
    test_two_threads_that_save_one_name_keep_both_files = None  # type: ignore[assignment]

    def backends(self) -> Backends:
        return [InMemoryStorage(), self.fs()]


class TestMemoryOverDirectoryDeletingFromAll(TestMemoryOverDirectory):
    """Deleting a missing file from both is as silent as from one."""

    options: ClassVar = {"delete": "all"}


class TestNested(CombinedContract):
    """A combined storage is a backend like any other."""

    def backends(self) -> Backends:
        return [FallbackStorage(backends=[self.fs(), read_only(self.fs())]), self.fs()]


class TestLazyRemoteOverDirectory(CombinedContract):
    """A missing file is missed at ``open``, though the first backend misses it when it is read.

    - What a remote storage holds has no path.
    - It is for a remote storage to make a directory, not for what knows it by its API alone.
    """

    supports_path = False
    open_makes_directories = False

    def backends(self) -> Backends:
        return [self.lazy_remote(), self.fs()]


class TestUnsavableOverDirectory(CombinedContract):
    """What the first backend has no way to save is kept by the second, and deleted from it."""

    options: ClassVar = {"delete": "all"}

    def backends(self) -> Backends:
        return [FaultyStorage(self.fs()).stage("save", error=NotImplementedError()), self.fs()]


class TestRefusingOverDirectorySkipped(CombinedContract):
    """Everything works on the second backend, but nothing is known to be missing from both.

    - A new file may lie in the first as well: its name gets a random suffix, and nothing is
      opened for writing.
    - What the second does not have is not said to be missing: the error of the first is raised.
      ``exists`` and a listing are answered by the second alone.
    """

    options: ClassVar = {"on_fault": "skip"}

    def _refuse_to_write(self) -> None:
        """The first may hold the name: its file would hide what is written to the second."""
        storage = self.make_storage()
        name = put(storage, "old.bin")
        for mode in ("wb", "ab", "r+b", "xb"):
            for each in (name, "new/file.bin"):
                with refuses(ConnectionRefusedError):
                    storage.open(each, mode)

    test_a_file_opened_for_writing_holds_what_was_written = _refuse_to_write
    test_appending_writes_at_the_end = _refuse_to_write
    test_opening_for_writing_empties_the_file = _refuse_to_write
    test_opening_for_writing_makes_the_directory = _refuse_to_write
    test_updating_writes_in_place = _refuse_to_write

    def test_deleting_a_missing_file_is_silent(self) -> None:
        """The first may hold it, and neither has said that it is gone."""
        with refuses(ConnectionRefusedError):
            self.make_storage().delete("missing.bin")

    def backends(self) -> Backends:
        self.second = self.fs()
        return [FaultyStorage(self.fs()).refusing(), self.second]

    def test_the_name_returned_is_the_name_stored(self) -> None:
        storage = self.make_storage()
        name = put(storage, "deep/er/file.bin", b"here")
        assert name.startswith("deep/er/file_")
        assert read(storage, name) == b"here"
        assert read(self.second, name) == b"here"

    def test_a_name_not_given_is_the_contents(self) -> None:
        storage = self.make_storage()
        name = storage.save(None, ContentFile(b"named", "named.bin"))
        assert name.startswith("named_")
        assert read(storage, name) == b"named"

    def test_peculiar_names_are_kept(self) -> None:
        storage = self.make_storage()
        for given in ("with space.txt", "ünïcödé_文.txt", "a#b.txt", "50%25.txt", "why?.txt"):
            name = put(storage, given, given.encode())
            assert name.startswith(given.removesuffix(".txt"))
            assert read(storage, name) == given.encode()

    def test_a_deleted_file_is_gone(self) -> None:
        storage = self.make_storage()
        name, neighbour = put(storage, "d/gone.bin"), put(storage, "d/stays.bin")
        storage.delete(name)
        assert not self.second.exists(name)
        assert self.second.exists(neighbour)

    def test_a_listing_has_each_directory_and_file_once(self) -> None:
        storage = self.make_storage()
        names = [put(storage, name) for name in ("a.txt", "d/b.txt", "d/e/c.txt")]
        assert storage.listdir("") == (["d"], [names[0]])
        assert storage.listdir("d") == (["e"], [os.path.basename(names[1])])

    def test_opening_a_missing_file_raises_file_not_found(self) -> None:
        with refuses(ConnectionRefusedError):
            self.make_storage().open("missing.bin")

    def test_the_size_of_a_missing_file_raises_file_not_found(self) -> None:
        with refuses(ConnectionRefusedError):
            self.make_storage().size("missing.bin")

    def test_the_times_of_a_missing_file_raise_file_not_found(self) -> None:
        for kind in sorted(self.times):
            with refuses(ConnectionRefusedError):
                getattr(self.make_storage(), f"get_{kind}_time")("missing.bin")

    def test_listing_a_missing_directory_raises_file_not_found(self) -> None:
        with refuses(ConnectionRefusedError):
            self.make_storage().listdir("missing")


class TestRefusingOverDirectory(TestRefusingOverDirectorySkipped):
    """A listing of the second backend alone would be short, and ``False`` a guess.

    So both raise the error of the first; what lies in the second exists, all the same.
    """

    options: ClassVar = {"on_fault": "failover"}

    def test_a_listing_has_each_directory_and_file_once(self) -> None:
        storage = self.make_storage()
        put(storage, "d/b.txt")
        for path in ("", "d"):
            with refuses(ConnectionRefusedError):
                storage.listdir(path)

    def test_a_file_exists_when_it_was_saved(self) -> None:
        storage = self.make_storage()
        assert storage.exists(put(storage, "file.bin")) is True
        with refuses(ConnectionRefusedError):
            storage.exists("file")

    def test_content_that_breaks_half_way_leaves_nothing(self) -> None:
        storage = self.make_storage()
        with refuses(ContentBrokeError):
            storage.save("broken.bin", BrokenContent())
        assert self.second.listdir("") == ([], [])
