"""The contract over Django's own storages alone: what they promise, and what they do not.

Beside them two storages that can do little, so that every capability is declared both ways.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.test import SimpleTestCase

from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage, StorageContract
from fallback_storage.testing.lazyfile import LazyFile
from fallback_storage.testing.promises.capabilities import Capabilities


class TestFileSystemStorage(StorageContract):
    """FileSystemStorage breaks two promises.

    - ``open(name, "wb")`` makes no directory, though ``save`` does.
    - Content that raises half-way leaves what was read so far under the final name.
    """

    supports_path = True
    open_makes_directories = False
    leaves_partial_files = True

    @pytest.fixture(autouse=True)
    def _directory(self, tmp_path: Path) -> None:
        self.directory = tmp_path

    def make_storage(self) -> Storage:
        return FileSystemStorage(location=mkdtemp(dir=self.directory))


class TestInMemoryStorage(StorageContract):
    """InMemoryStorage breaks many promises: it is a poor stand-in for a storage in use.

    - ``path`` returns a path where nothing lies.
    - An opened file is the stored node itself: one position for all who opened it, open for
      good, emptied by no mode, written from its start by "ab".
    - Content that raises half-way leaves what was read so far under the final name.
    - Of two simultaneous saves of one name, one is lost.
    - ``delete`` of a directory deletes the tree, and ``delete("")`` is silent.
    """

    supports_path = True
    paths_are_real = False
    independent_positions = False
    closes_files = False
    truncates = False
    appends = False
    leaves_partial_files = True
    keeps_concurrent_saves = False
    deletes_trees = True
    delete_needs_a_name = False

    def make_storage(self) -> Storage:
        return InMemoryStorage()


class ContractUnderUnittest(TestInMemoryStorage, SimpleTestCase):
    """The suite needs no pytest."""


class TestFaultyStorageWithNothingStaged(TestFileSystemStorage):
    """It is the storage it wraps."""

    def make_storage(self) -> Storage:
        return FaultyStorage(super().make_storage())


class TestRemoteFaultyStorageThatOpensLazily(TestFileSystemStorage):
    """It is the storage it wraps, without paths, and opened at the first touch."""

    supports_path = False
    lazy_open = True

    def make_storage(self) -> Storage:
        return RemoteFaultyStorage(super().make_storage()).stage("open", lazy=True)


class ObjectStore(Storage):
    """Names without directories, overwritten, opened lazily and only to be read."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        path = PurePosixPath(name)
        return f"{str(path.with_suffix(''))[: (max_length or 99) - len(path.suffix)]}{path.suffix}"

    def _save(self, name: str, content: File[bytes]) -> str:
        content.seek(0)
        self.objects[name] = b"".join(content.chunks())
        content.close()
        return name

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        if mode.strip("rb"):
            raise ValueError(mode)
        return LazyFile(partial(self._fetch, name), name)

    def _fetch(self, name: str) -> io.BytesIO:
        if name not in self.objects:
            raise FileNotFoundError(name)
        return io.BytesIO(self.objects[name])

    def exists(self, name: str) -> bool:
        return name in self.objects

    def delete(self, name: str) -> None:
        self.objects.pop(name, None)

    def size(self, name: str) -> int:
        return self._fetch(name).getbuffer().nbytes

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        root = PurePosixPath(path)
        names = [name for name in map(PurePosixPath, self.objects) if root in name.parents]
        below = [name.relative_to(root).parts for name in names]
        return sorted({p[0] for p in below if p[1:]}), [p[0] for p in below if not p[1:]]


class TestObjectStore(StorageContract):
    """Each capability the other way round than Django's storages have it."""

    supports_url = False
    times = frozenset[str]()
    directories_exist = False
    overwrites = True
    refuses_traversal = False
    delete_needs_a_name = False
    takes_text = False
    takes_streams = False
    closes_content = True
    lazy_open = True
    opens_text = False
    write_modes = frozenset[str]()

    def make_storage(self) -> Storage:
        return ObjectStore()


class BareStore(ObjectStore):
    """An object store that cannot be listed."""

    listdir = Storage.listdir


class TestBareStore(TestObjectStore):
    """No listing is declared, none is given."""

    supports_listdir = False

    def make_storage(self) -> Storage:
        return BareStore()


CONTRACTS = (TestFileSystemStorage, TestInMemoryStorage, TestObjectStore, TestBareStore)
CAPABILITIES = [name for name, value in vars(Capabilities).items() if isinstance(value, bool)]
MEMBERS = [
    (name, member)
    for name, value in vars(Capabilities).items()
    if isinstance(value, frozenset)
    for member in sorted(value)
]


def notices(contract: type[StorageContract], directory: Path, **declared: Any) -> bool:
    """Whether a promise fails when this is declared instead."""
    changed = type(contract.__name__, (contract,), {**declared, "directory": directory})()
    return any(is_broken(getattr(changed, name)) for name in dir(changed) if name[:5] == "test_")


def is_broken(promise: Callable[[], None]) -> bool:
    try:
        promise()
    except Exception:  # a broken promise shows in whatever the storage raises
        return True
    return False


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("capability", CAPABILITIES)
def test_a_capability_wrongly_declared_is_noticed(
    capability: str, value: bool, tmp_path: Path
) -> None:
    honest = [contract for contract in CONTRACTS if getattr(contract, capability) is value]
    assert any(notices(contract, tmp_path, **{capability: not value}) for contract in honest)


@pytest.mark.parametrize("has_it", [True, False])
@pytest.mark.parametrize(("capability", "member"), MEMBERS)
def test_a_member_wrongly_declared_is_noticed(
    capability: str, member: str, has_it: bool, tmp_path: Path
) -> None:
    honest = [c for c in CONTRACTS if (member in getattr(c, capability)) is has_it]
    changed = [{capability: getattr(c, capability) ^ {member}} for c in honest]
    assert any(notices(c, tmp_path, **d) for c, d in zip(honest, changed, strict=True))


def loses_a_byte(storage: FileSystemStorage, name: str, content: File[bytes]) -> str:
    return FileSystemStorage.save(storage, name, ContentFile(content.read()[:-1]))


BUGS: dict[str, dict[str, Callable[..., Any]]] = {
    "test_a_saved_file_reads_back_whole": {"save": loses_a_byte},
    "test_a_deleted_file_is_gone": {"delete": lambda storage, name: None},
    "test_deleting_a_missing_file_is_silent": {
        "delete": lambda storage, name: Path(storage.path(name)).unlink()
    },
    "test_the_size_of_a_missing_file_raises_file_not_found": {"size": lambda storage, name: 0},
    "test_the_url_is_quoted": {"url": lambda storage, name: f"/media/{name}"},
    "test_a_listing_has_each_directory_and_file_once": {
        "listdir": lambda storage, path: ([], [path])
    },
    "test_no_name_is_longer_than_max_length": {
        "get_available_name": lambda storage, name, max_length: name
    },
    "test_nothing_outside_is_looked_at": {
        "path": lambda storage, name: str(Path(storage.location) / name)
    },
}


@pytest.mark.parametrize("promise", BUGS)
def test_a_broken_promise_is_noticed(promise: str, tmp_path: Path) -> None:
    buggy = type("Buggy", (FileSystemStorage,), BUGS[promise])

    class Contract(TestFileSystemStorage):
        def make_storage(self) -> Storage:
            storage: Storage = buggy(location=mkdtemp(dir=tmp_path))
            return storage

    assert is_broken(getattr(Contract(), promise))


def test_the_author_is_told_what_to_override() -> None:
    with pytest.raises(NotImplementedError, match=r"StorageContract must override make_storage"):
        StorageContract().make_storage()
