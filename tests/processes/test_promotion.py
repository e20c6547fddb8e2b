"""Promotion, whoever else is at work: once, whole, and undoing nothing."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, Storage

from fallback_storage.backend import disk
from fallback_storage.backend.content import SPOOL_SIZE
from fallback_storage.errors import StorageUnavailable, UnsupportedOperation
from fallback_storage.locks import KeyedLock
from fallback_storage.names import TEMPORARY
from fallback_storage.signals import backend_failed
from fallback_storage.storage import FallbackStorage, OverlayStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage

from .actors import Place, content_of, read, start

NAME = "photos/cold.jpg"
PATIENCE = 60  # seconds, before a test that hangs says so


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.fill(NAME)
    return place


def is_promoted(place: Place, name: str = NAME) -> bool:
    return place.upper.exists(name)


# Once.


def test_fifty_threads_fetch_a_cold_file_once(place: Place) -> None:
    lower = place.remote()
    storage = place.overlay(lower, promote=True)
    barrier = threading.Barrier(50)

    def open_it(_: int) -> bytes:
        barrier.wait(PATIENCE)
        return read(storage, NAME)

    with ThreadPoolExecutor(50) as pool:
        contents = list(pool.map(open_it, range(50)))
    assert contents == [content_of(NAME)] * 50
    assert len(lower.called("open", NAME)) == 1
    assert read(place.upper, NAME) == content_of(NAME)


@pytest.mark.slow
def test_four_processes_fetch_a_cold_file_once_each_at_most(place: Place, tmp_path: Path) -> None:
    children = [start("open cold", tmp_path, NAME, "12") for _ in range(4)]
    said = []
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        out, _ = child.communicate(timeout=PATIENCE)
        said.append(out.split())
    assert {whole for whole, _ in said} == {"True"}
    assert all(int(fetches) <= 1 for _, fetches in said)
    assert sum(int(fetches) for _, fetches in said) >= 1
    assert os.listdir(place.upper.path("photos")) == ["cold.jpg"]


def test_other_files_are_fetched_meanwhile(place: Place) -> None:
    place.fill("other.jpg")
    held = Held(place.lower)
    storage = place.overlay(held, promote=True)
    others: list[bytes] = []
    cold = meanwhile(storage, held, lambda: others.append(read(storage, "other.jpg")))
    assert others == [content_of("other.jpg")]
    assert cold.result() == content_of(NAME)


def test_a_storage_may_promote_below_another_to_the_same(place: Place) -> None:
    inner = place.fallback(promote=True)
    assert read(place.overlay(inner, promote=True), NAME) == content_of(NAME)


# What comes in between wins. The fetch has read the lower one, and has not yet stored its copy.


class Held(RemoteFaultyStorage):
    """A lower storage whose first ``open`` of the name, done, waits until the test lets it go."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage)
        self.arrived, self.go_on = threading.Event(), threading.Event()

    def open(self, name: str, mode: str = "rb") -> Any:
        file = self.wrapped.open(name, mode)
        if name == NAME and not self.arrived.is_set():
            self.arrived.set()
            assert self.go_on.wait(PATIENCE)
        return file


def meanwhile(storage: Storage, held: Held, act: Callable[[], object]) -> Future[bytes]:
    """Open the file; while it is fetched, let another act."""
    with ThreadPoolExecutor() as pool:
        opened = pool.submit(read, storage, NAME)
        assert held.arrived.wait(PATIENCE)
        try:
            act()
        finally:
            held.go_on.set()
    return opened


def test_a_delete_meanwhile_wins(place: Place) -> None:
    held = Held(place.lower)
    storage, other = place.overlay(held, promote=True), place.elsewhere().overlay()
    opened = meanwhile(storage, held, lambda: other.delete(NAME))
    assert isinstance(opened.exception(), FileNotFoundError)
    assert not storage.exists(NAME)
    assert not is_promoted(place)
    assert place.lower.exists(NAME)


def test_a_save_meanwhile_wins(place: Place) -> None:
    held = Held(place.lower)
    storage = place.overlay(held, promote=True)
    opened = meanwhile(storage, held, lambda: place.upper.save(NAME, ContentFile(b"new")))
    assert opened.result() == b"new"
    assert read(storage, NAME) == b"new"


def test_a_delete_and_a_save_meanwhile_win(place: Place) -> None:
    held = Held(place.lower)
    storage, other = place.overlay(held, promote=True), place.elsewhere().overlay()

    def replace() -> None:
        other.delete(NAME)
        assert other.save(NAME, ContentFile(b"new")) == NAME

    assert meanwhile(storage, held, replace).result() == b"new"
    assert read(storage, NAME) == b"new"


@pytest.mark.parametrize("mode", ["r+b", "ab"])
def test_a_delete_while_a_file_is_copied_up_wins(place: Place, mode: str) -> None:
    held = Held(place.lower)
    storage, other = place.overlay(held), place.elsewhere().overlay()

    def change() -> None:
        with storage.open(NAME, mode) as file:
            file.write(b"new")

    with ThreadPoolExecutor() as pool:
        changed = pool.submit(change)
        assert held.arrived.wait(PATIENCE)
        other.delete(NAME)
        held.go_on.set()
    if mode == "r+b":
        assert isinstance(changed.exception(), FileNotFoundError)
        assert not storage.exists(NAME)
    else:
        changed.result()
        assert read(storage, NAME) == b"new"


def test_a_delete_just_before_the_copy_gets_its_name_wins(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whiteout and the copy's name are one another's business: under one lock."""
    storage, other = place.overlay(promote=True), place.elsewhere().overlay()
    link, deleting = os.link, threading.Event()
    with ThreadPoolExecutor() as pool:
        deleted: list[Future[None]] = []

        def link_after_a_delete_began(source: str, target: str, **kwargs: Any) -> None:
            if target.endswith("cold.jpg"):
                deleted.append(pool.submit(delete))
                assert deleting.wait(PATIENCE)
            link(source, target, **kwargs)

        def delete() -> None:
            deleting.set()
            other.delete(NAME)

        monkeypatch.setattr(os, "link", link_after_a_delete_began)
        try:
            read(storage, NAME)
        except FileNotFoundError:
            pass  # The delete was done before the copy was opened.
        deleted[0].result(PATIENCE)
    assert not storage.exists(NAME)
    assert not is_promoted(place)


def test_deleted_from_all_meanwhile_is_not_brought_back(place: Place) -> None:
    held = Held(place.lower)
    storage = place.fallback(held, promote=True, delete="all")
    other = place.elsewhere().fallback(promote=True, delete="all")
    opened = meanwhile(storage, held, lambda: other.delete(NAME))
    assert isinstance(opened.exception(), FileNotFoundError)
    assert not storage.exists(NAME)
    assert not is_promoted(place)


@pytest.mark.parametrize("target", ["disk", "memory"])
@pytest.mark.parametrize("kind", ["overlay", "fallback"])
def test_a_delete_of_this_process_waits_and_deletes_the_copy(
    place: Place, kind: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if target == "memory":
        place.upper = InMemoryStorage()  # type: ignore[assignment]
    held = Held(place.lower)
    options = {"delete": "all"} if kind == "fallback" else {}
    storage = getattr(place, kind)(held, promote=True, **options)
    waits, wait_for = threading.Event(), KeyedLock._wait_for

    def say_that_it_waits(lock: KeyedLock, *args: Any) -> None:
        waits.set()
        wait_for(lock, *args)

    monkeypatch.setattr(KeyedLock, "_wait_for", say_that_it_waits)
    with ThreadPoolExecutor() as pool:
        deleted: list[Future[None]] = []

        def delete() -> None:
            deleted.append(pool.submit(storage.delete, NAME))
            assert waits.wait(PATIENCE)

        assert meanwhile(storage, held, delete).result() == content_of(NAME)
        deleted[0].result(PATIENCE)
    assert not storage.exists(NAME)
    assert not is_promoted(place)


def test_a_save_after_a_delete_from_all_is_kept(place: Place) -> None:
    held = Held(place.lower)
    storage = place.fallback(held, promote=True, delete="all")
    other = place.elsewhere().fallback(promote=True, delete="all")

    def replace() -> None:
        other.delete(NAME)
        assert other.save(NAME, ContentFile(b"new")) == NAME

    assert meanwhile(storage, held, replace).result() == b"new"
    assert read(storage, NAME) == b"new"


def test_what_may_have_been_deleted_is_not_brought_back(place: Place) -> None:
    lower = place.remote().stage("exists", error=ConnectionError)
    storage = place.fallback(lower, promote=True, delete="all")
    assert read(storage, NAME) == content_of(NAME)
    assert not is_promoted(place)


# No reader sees half of it.


def test_no_reader_sees_half_a_file(place: Place) -> None:
    storage = place.overlay(promote=True)
    names = [f"many/{number}.bin" for number in range(20)]
    place.fill(*names)
    with ThreadPoolExecutor(16) as pool:
        read_all = [pool.submit(read, storage, name) for name in names for _ in range(8)]
        looks = [pool.submit(_sizes, str(place.upper.location)) for _ in range(50)]
    wanted = [content_of(name) for name in names for _ in range(8)]
    assert [future.result() for future in read_all] == wanted
    assert set().union(*(look.result() for look in looks)) <= {len(wanted[0])}


def _sizes(directory: str) -> set[int]:
    """The sizes of all files that have their final names."""
    sizes = set()
    for folder, _, files in os.walk(directory):
        names = [name for name in files if not name.startswith(TEMPORARY)]
        sizes |= {os.path.getsize(os.path.join(folder, name)) for name in names}
    return sizes


def test_a_copy_that_is_not_there_yet_is_not_listed(place: Place) -> None:
    place.upper.save(f"photos/{TEMPORARY}0", ContentFile(b"half"))
    for storage in (place.overlay(promote=True), place.fallback(promote=True)):
        assert storage.listdir("photos") == ([], ["cold.jpg"])


# What promotes, and what does not.


@pytest.mark.parametrize("method", ["exists", "url", "size", "get_modified_time", "locate"])
def test_only_reading_promotes(place: Place, method: str) -> None:
    for storage in (place.overlay(promote=True), place.fallback(promote=True)):
        getattr(storage, method)(NAME)
        storage.listdir("photos")
        assert not is_promoted(place)


def test_asking_the_path_promotes(place: Place) -> None:
    storage = place.overlay(place.remote(), promote=True)
    assert Path(storage.path(NAME)).read_bytes() == content_of(NAME)
    assert storage.path(NAME) == place.upper.path(NAME)


def test_the_path_of_nothing_is_for_a_new_file(place: Place) -> None:
    assert place.overlay(promote=True).path("new.jpg") == place.upper.path("new.jpg")


@pytest.mark.parametrize("kind", ["overlay", "fallback"])
@pytest.mark.parametrize("name", ["", ".", "photos", "photos/"])
def test_the_path_of_a_directory_promotes_nothing(place: Place, kind: str, name: str) -> None:
    plain = getattr(place, kind)()
    assert getattr(place, kind)(promote=True).path(name) == plain.path(name)
    assert not is_promoted(place)


def test_what_could_not_be_fetched_from_a_remote_backend_has_no_path(place: Place) -> None:
    storage = place.overlay(place.remote().stage("open", error=ConnectionError), promote=True)
    with pytest.raises(UnsupportedOperation) as caught:
        storage.path(NAME)
    assert isinstance(caught.value.__cause__, StorageUnavailable)


def test_text_is_promoted_as_it_is(place: Place) -> None:
    place.lower.save("a.txt", ContentFile("grüße\n".encode()))
    with place.overlay(promote=True).open("a.txt", "r") as file:
        assert file.read() == "grüße\n"
    assert read(place.upper, "a.txt") == "grüße\n".encode()


@pytest.mark.parametrize(
    ("promote", "promoted"),
    [
        ({"max_size": 300_000}, True),
        ({"max_size": 299_999}, False),
        ({"include": ["*.jpg"]}, True),
        ({"include": ["*.png"]}, False),
        ({"exclude": ["photos/*"]}, False),
        ({"include": ["photos/*"], "exclude": ["*.png"]}, True),
    ],
)
def test_what_is_promoted_is_bounded(
    place: Place, promote: dict[str, Any], promoted: bool
) -> None:
    for storage in (place.overlay(promote=promote), place.fallback(promote=promote)):
        assert read(storage, NAME) == content_of(NAME)
        assert is_promoted(place) is promoted


@pytest.mark.parametrize("mode", ["rb", "r"])
def test_what_is_too_large_is_found_out_while_it_is_read(place: Place, mode: str) -> None:
    """A file that does not know its size."""
    place.lower.save("a.txt", ContentFile(b"x" * 200_000))
    lower = place.remote()
    storage = place.overlay(_Sizeless(lower), promote={"max_size": 100_000})
    with storage.open("a.txt", mode) as file:
        assert len(file.read()) == 200_000
    assert not is_promoted(place, "a.txt")


def test_what_is_known_to_be_too_large_is_not_fetched(place: Place) -> None:
    storage = place.overlay(Torn(ConnectionError)(place.lower), promote={"max_size": 299_999})
    assert read(storage, NAME) == content_of(NAME)  # Read as a whole, it is not torn.
    assert not is_promoted(place)


def test_the_copy_of_a_large_file_does_not_lie_in_memory(place: Place) -> None:
    size = 8 * SPOOL_SIZE
    place.lower.save("large.bin", ContentFile(b"x" * size))
    storage = place.overlay(promote=True)
    tracemalloc.start()
    try:
        storage.open("large.bin").close()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert place.upper.size("large.bin") == size
    assert peak < 4 * SPOOL_SIZE


class _Sizeless(Storage):
    """Opens files that cannot tell their size."""

    def __init__(self, storage: Storage) -> None:
        self.exists = storage.exists  # type: ignore[method-assign]
        self._storage = storage

    def _open(self, name: str, mode: str = "rb") -> Any:
        file = self._storage.open(name, mode)
        type(file)
        file.__class__ = _sizeless(type(file))
        return file


def _sizeless(cls: type) -> type:
    def size(self: object) -> int:
        raise OSError(errno.ESPIPE, "not known")

    return type(cls.__name__, (cls,), {"size": property(size)})


def test_a_file_above_the_target_is_not_copied_down(place: Place) -> None:
    above = InMemoryStorage()
    above.save(NAME, ContentFile(b"above"))
    storage = FallbackStorage(
        backends=[{"BACKEND": above, "READ_ONLY": True}, place.upper, place.lower], promote=True
    )
    assert read(storage, NAME) == b"above"
    with storage.open(NAME, "r") as file:
        assert file.read() == "above"
    assert not is_promoted(place)


def test_nothing_is_promoted_where_nothing_can_be_written(place: Place) -> None:
    backends = [{"BACKEND": s, "READ_ONLY": True} for s in (place.upper, place.lower)]
    assert read(OverlayStorage(backends=backends, promote=True), NAME) == content_of(NAME)


# A target that fails keeps nobody from reading.


@pytest.fixture
def failures() -> Iterator[list[tuple[str, str, str]]]:
    seen: list[tuple[str, str, str]] = []

    def note(backend: str, operation: str, error_type: str, **kwargs: Any) -> None:
        seen.append((backend, operation, error_type))

    backend_failed.connect(note)
    yield seen
    backend_failed.disconnect(note)


Failures = list[tuple[str, str, str]]


@pytest.mark.parametrize("mode", ["rb", "r"])
@pytest.mark.parametrize("step", [(disk, "_write"), (os, "link")], ids=["content", "name"])
def test_a_full_disk_still_serves_the_file(
    place: Place,
    mode: str,
    step: tuple[Any, str],
    failures: Failures,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place.lower.save("a.txt", ContentFile(b"whole"))

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*step, full)
    with place.overlay(promote=True).open("a.txt", mode) as file:
        assert file.read() in (b"whole", "whole")
    assert failures == [("FileSystemStorage", "promote", "OSError")]
    assert list(files_below(str(place.upper.location))) == []


def files_below(directory: str) -> Iterator[str]:
    for folder, _, files in os.walk(directory):
        yield from (os.path.join(folder, name) for name in files)


@pytest.mark.parametrize("partial", [None, 4])
@pytest.mark.parametrize("kind", ["overlay", "fallback"])
def test_a_target_that_cannot_be_written_still_serves_the_file(
    place: Place, kind: str, partial: int | None, failures: Failures
) -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    upper = FaultyStorage(place.upper).stage("save", error=error, partial=partial)
    place.upper = upper  # type: ignore[assignment]
    assert read(getattr(place, kind)(promote=True), NAME) == content_of(NAME)
    assert failures == [("FaultyStorage", "promote", "OSError")]


def test_a_nested_target_that_fails_still_serves_the_file(place: Place) -> None:
    upper = FaultyStorage(place.upper).stage("save", error=ConnectionError)
    nested = OverlayStorage(backends=[upper])
    storage = FallbackStorage(backends=[nested, place.lower], promote=True)
    assert read(storage, NAME) == content_of(NAME)


def test_a_full_spool_still_serves_the_file(
    place: Place, failures: Failures, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_room_for_spools(monkeypatch)
    assert read(place.overlay(promote=True), NAME) == content_of(NAME)
    assert [operation for _, operation, _ in failures] == ["promote"]


def test_a_full_spool_ends_a_copy_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    no_room_for_spools(monkeypatch)
    with pytest.raises(StorageUnavailable) as caught:
        place.overlay().open(NAME, "r+b")
    assert list(caught.value.failures) == ["FileSystemStorage"]
    assert (caught.value.operation, caught.value.name) == ("open", NAME)


def no_room_for_spools(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(tempfile.SpooledTemporaryFile):  # type: ignore[type-arg]
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", Full)


def test_a_bug_of_the_target_is_not_hidden(place: Place) -> None:
    place.upper = FaultyStorage(place.upper).stage("save", error=TypeError)  # type: ignore[assignment]
    with pytest.raises(TypeError):
        read(place.overlay(promote=True), NAME)


# A lower one that fails in the middle.


class Torn:
    """A lower storage whose files end with an error after the first chunk."""

    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def __call__(self, storage: Storage) -> Storage:
        outer = self

        class TornStorage(Storage):
            def exists(self, name: str) -> bool:
                return storage.exists(name)

            def _open(self, name: str, mode: str = "rb") -> Any:
                file = storage.open(name, mode)
                real = file.chunks

                def chunks(*args: Any) -> Iterator[bytes]:
                    yield next(iter(real(*args)))
                    raise outer.error

                file.chunks = chunks  # type: ignore[method-assign,assignment]
                return file

        return TornStorage()


@pytest.mark.parametrize("error", [ConnectionError, FileNotFoundError, RuntimeError])
@pytest.mark.parametrize("promote", [False, True])
def test_a_lower_one_that_fails_in_the_middle_is_named(
    place: Place, error: type[Exception], promote: bool
) -> None:
    storage = place.overlay(Torn(error)(place.lower), promote=promote)
    with pytest.raises(StorageUnavailable) as caught:
        storage.open(NAME, "rb" if promote else "r+b")
    assert list(caught.value.failures) == ["TornStorage"]
    assert (caught.value.operation, caught.value.name) == ("open", NAME)
    assert isinstance(caught.value.__cause__, error)
    assert list(files_below(str(place.upper.location))) == []


@pytest.mark.parametrize("promote", [False, True])
def test_a_bug_of_the_lower_one_is_not_hidden(place: Place, promote: bool) -> None:
    storage = place.overlay(Torn(TypeError)(place.lower), promote=promote)
    with pytest.raises(StorageUnavailable) as caught:
        storage.open(NAME, "rb" if promote else "r+b")
    assert isinstance(caught.value.failures["TornStorage"], TypeError)


def test_a_lower_one_that_cannot_read_on_says_so(place: Place) -> None:
    storage = place.overlay(Torn(NotImplementedError)(place.lower), promote=True)
    with pytest.raises(UnsupportedOperation):
        storage.open(NAME)
