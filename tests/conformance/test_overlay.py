"""What OverlayStorage promises, one by one."""

from __future__ import annotations

import errno
import os
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage

from fallback_storage.errors import NameChangedError, ReadOnlyStorageError, StorageUnavailable
from fallback_storage.file_locks import directory_locked
from fallback_storage.locks import LockTimeout
from fallback_storage.overlay.whiteouts import marker
from fallback_storage.signals import backend_failed
from fallback_storage.storage import OverlayStorage
from fallback_storage.testing import FaultyStorage
from fallback_storage.testing.promises.material import read
from tests.django.operations import heard

from . import test_fallback_contract as fallback

NAME = "d/a.txt"


@pytest.fixture
def upper(tmp_path: Path) -> FileSystemStorage:
    return FileSystemStorage(tmp_path / "upper", base_url="/upper/")


@pytest.fixture
def beneath(tmp_path: Path) -> FileSystemStorage:
    storage = FileSystemStorage(tmp_path / "lower", base_url="/lower/")
    storage.save(NAME, ContentFile(b"production's"))
    return storage


@pytest.fixture
def lower(beneath: FileSystemStorage) -> FaultyStorage:
    return FaultyStorage(beneath)


@pytest.fixture
def overlay(upper: FileSystemStorage, lower: FaultyStorage) -> OverlayStorage:
    return OverlayStorage(backends=[upper, lower])


def left_in(upper: FileSystemStorage) -> list[str]:
    """All that lies there, directories too."""
    return sorted(
        os.path.relpath(os.path.join(folder, name), upper.location)
        for folder, directories, files in os.walk(upper.location)
        for name in [*directories, *files]
    )


# Deleting.


def test_deleting_what_is_nowhere_leaves_nothing(
    overlay: OverlayStorage, upper: FileSystemStorage
) -> None:
    overlay.delete("nowhere/b.txt")
    assert left_in(upper) == []


def test_deleting_what_the_upper_alone_has_leaves_nothing(
    overlay: OverlayStorage, upper: FileSystemStorage
) -> None:
    overlay.save("b.txt", ContentFile(b"new"))
    overlay.delete("b.txt")
    assert left_in(upper) == []


def test_deleting_twice_leaves_one_empty_whiteout(
    overlay: OverlayStorage, upper: FileSystemStorage
) -> None:
    overlay.delete(NAME)
    overlay.delete(NAME)
    assert left_in(upper) == ["d", "d/.wh.a.txt"]
    assert upper.size("d/.wh.a.txt") == 0


@pytest.mark.parametrize("error", [ConnectionError, PermissionError, NotImplementedError])
def test_a_delete_holds_though_a_lower_one_could_not_be_asked(
    overlay: OverlayStorage, lower: FaultyStorage, error: type[Exception]
) -> None:
    lower.stage("exists", error=error)
    overlay.delete(NAME)
    lower.heal()
    assert not overlay.exists(NAME)


def test_a_bug_of_a_lower_one_is_not_hidden(overlay: OverlayStorage, lower: FaultyStorage) -> None:
    lower.stage("exists", error=TypeError)
    with pytest.raises(TypeError):
        overlay.delete(NAME)


def test_a_delete_that_the_upper_refuses_has_hidden_the_file_first(
    upper: FileSystemStorage, lower: FaultyStorage
) -> None:
    faulty = FaultyStorage(upper)
    overlay = OverlayStorage(backends=[faulty, lower])
    upper.save(NAME, ContentFile(b"mine"))
    faulty.stage("delete", error=PermissionError)
    with pytest.raises(StorageUnavailable) as caught:
        overlay.delete(NAME)
    assert list(caught.value.failures) == ["FaultyStorage"]
    assert read(overlay, NAME) == b"mine"  # As it was; never the lower one's.
    upper.delete(NAME)
    assert not overlay.exists(NAME)


def test_a_delete_of_what_the_upper_says_is_missing_is_done(
    upper: FileSystemStorage, lower: FaultyStorage
) -> None:
    faulty = FaultyStorage(upper).stage("delete", error=FileNotFoundError)
    overlay = OverlayStorage(backends=[faulty, lower])
    overlay.delete(NAME)
    overlay.delete("nowhere.txt")
    assert not overlay.exists(NAME)


@pytest.mark.parametrize("error", [FileNotFoundError, ConnectionError])
def test_a_delete_whose_whiteout_cannot_be_put_never_reads_as_absence(
    upper: FileSystemStorage, lower: FaultyStorage, error: type[Exception]
) -> None:
    faulty = FaultyStorage(upper).stage("save", error=error)
    overlay = OverlayStorage(backends=[faulty, lower])
    with pytest.raises(StorageUnavailable) as caught:
        overlay.delete(NAME)
    assert (caught.value.operation, caught.value.name) == ("delete", NAME)
    assert overlay.exists(NAME)


def test_a_delete_keeps_other_processes_out_of_the_directory(
    overlay: OverlayStorage, upper: FileSystemStorage
) -> None:
    """One of them might look for the whiteout before it is put, and copy the file up after."""
    backend = overlay.backends[0]
    create, looks = backend.create, []

    def look_then_create(name: str, *args: Any) -> str | None:
        with ThreadPoolExecutor(1) as pool:  # The thread that holds it may lock it again.
            looks.append(pool.submit(lock_at_once).exception())
        return create(name, *args)

    def lock_at_once() -> None:
        with directory_locked(upper.path("d"), timeout=0):
            pass

    backend.create = look_then_create
    overlay.delete(NAME)
    assert [type(error) for error in looks] == [LockTimeout]
    lock_at_once()


def test_deleting_no_name_is_an_error(overlay: OverlayStorage) -> None:
    with pytest.raises(ValueError, match="name must be given"):
        overlay.delete("")


def test_what_is_saved_again_gets_its_own_name(
    overlay: OverlayStorage, upper: FileSystemStorage
) -> None:
    overlay.delete(NAME)
    assert overlay.save(NAME, ContentFile(b"new")) == NAME
    assert read(overlay, NAME) == b"new"
    upper.delete(NAME)
    assert not overlay.exists(NAME)  # The save took no whiteout away.


def test_the_url_of_a_hidden_file_is_the_uppers_with_its_keywords(beneath: Storage) -> None:
    class Signing(InMemoryStorage):
        def url(self, name: str | None, expire: int = 0) -> str:
            return f"https://upper.example/{name}?expire={expire}"

    overlay = OverlayStorage(backends=[Signing(), beneath])
    overlay.delete(NAME)
    assert overlay.url(NAME, expire=60) == f"https://upper.example/{NAME}?expire=60"


def test_a_directory_whose_files_are_all_hidden_stays_listed(overlay: OverlayStorage) -> None:
    overlay.delete(NAME)
    assert overlay.listdir("") == (["d"], [])
    assert overlay.listdir("d") == ([], [])


# Names kept for whiteouts.


@pytest.mark.parametrize("name", [".wh.a.txt", "d/.wh.a.txt", ".wh.d/a.txt", ".wh..wh.x"])
@pytest.mark.parametrize(
    "method",
    [
        "open",
        "delete",
        "exists",
        "size",
        "url",
        "path",
        "listdir",
        "locate",
        "explain",
        "get_accessed_time",
        "get_created_time",
        "get_modified_time",
        "get_available_name",
    ],
)
def test_a_whiteouts_name_is_refused(overlay: OverlayStorage, method: str, name: str) -> None:
    with pytest.raises(SuspiciousFileOperation, match=r"are kept for"):
        getattr(overlay, method)(name)


@pytest.mark.parametrize("method", ["save", "_save"])
def test_a_whiteouts_name_is_refused_to_content(overlay: OverlayStorage, method: str) -> None:
    with pytest.raises(SuspiciousFileOperation):
        getattr(overlay, method)("d/.wh.a.txt", ContentFile(b"mine"))


@pytest.mark.parametrize("mode", ["wb", "ab", "r+b", "xb"])
def test_a_whiteouts_name_is_refused_in_every_mode(overlay: OverlayStorage, mode: str) -> None:
    with pytest.raises(SuspiciousFileOperation):
        overlay.open("d/.wh.a.txt", mode)


def test_names_like_whiteouts_are_listed_by_none(
    overlay: OverlayStorage, upper: FileSystemStorage, beneath: FileSystemStorage
) -> None:
    for storage in (upper, beneath):
        storage.save("d/.wh.mine", ContentFile(b""))
        storage.save(".wh.d/mine", ContentFile(b""))
    assert overlay.listdir("d") == ([], ["a.txt"])
    assert overlay.listdir("") == (["d"], [])


def test_a_name_that_only_contains_a_whiteouts_prefix_is_anybodys(
    overlay: OverlayStorage,
) -> None:
    assert overlay.save("d.wh.d/a.wh.txt", ContentFile(b"mine")) == "d.wh.d/a.wh.txt"
    assert overlay.listdir("d.wh.d") == ([], ["a.wh.txt"])


@pytest.mark.parametrize("name", ["x" * 255, "d/" + "ü" * 127, "y" * 251, "y" * 252])
def test_a_long_name_is_hidden_too(
    overlay: OverlayStorage, beneath: FileSystemStorage, upper: FileSystemStorage, name: str
) -> None:
    beneath.save(name, ContentFile(b"production's"))
    overlay.delete(name)
    assert not overlay.exists(name)
    directory, base = os.path.split(name)
    assert base not in overlay.listdir(directory)[1]
    assert overlay.save(name, ContentFile(b"new")) == name


def test_a_whiteout_bears_the_files_name_as_long_as_a_name_may_be() -> None:
    """As every other reader of OCI images expects; what is too long for that, 64 digits."""
    assert marker("d/" + "y" * 251) == "d/.wh." + "y" * 251
    assert re.fullmatch(r"d/\.wh\.\.wh\.[0-9a-f]{64}", marker("d/" + "y" * 252))


def test_a_name_too_long_for_the_upper_is_hidden_too(upper: FileSystemStorage) -> None:
    lower, name = InMemoryStorage(), "x" * 300
    lower.save(name, ContentFile(b"production's"))
    overlay = OverlayStorage(backends=[upper, lower])
    overlay.delete(name)
    assert not overlay.exists(name)


# The upper that does something else with a marker.


def test_a_whiteout_stored_under_another_name_is_an_error_and_nothing_is_deleted(
    upper: FileSystemStorage, lower: FaultyStorage
) -> None:
    faulty = FaultyStorage(upper).stage("save", stored_as="d/else.where")
    overlay = OverlayStorage(backends=[faulty, lower])
    with pytest.raises(StorageUnavailable) as caught:
        overlay.delete(NAME)
    assert isinstance(caught.value.__cause__, NameChangedError)
    assert str(caught.value.__cause__) == (
        "FaultyStorage stored the whiteout 'd/.wh.a.txt' as 'd/else.where', where it hides"
        " nothing."
    )
    assert left_in(upper) == ["d", "d/else.where"]
    assert overlay.exists(NAME)


class Renaming(FileSystemStorage):
    """Gives every file a name of its own, as storages that name files by their content do."""

    def _save(self, name: str, content: Any) -> str:
        stored: str = super()._save("d/else.where", content)  # type: ignore[misc]
        return stored


def test_the_name_that_an_upper_gives_a_file_is_the_files(
    tmp_path: Path, lower: FaultyStorage
) -> None:
    overlay = OverlayStorage(backends=[Renaming(tmp_path / "renaming"), lower])
    assert overlay.save("b.txt", ContentFile(b"new")) == "d/else.where"
    assert read(overlay, "d/else.where") == b"new"


def test_a_name_that_hides_another_backends_file_is_refused_and_nothing_is_deleted(
    tmp_path: Path, lower: FaultyStorage
) -> None:
    lower.save("d/else.where", ContentFile(b"production's"))
    upper = Renaming(tmp_path / "renaming")
    with pytest.raises(NameChangedError, match=r"stored 'b\.txt' as 'd/else\.where'"):
        OverlayStorage(backends=[upper, lower]).save("b.txt", ContentFile(b"new"))
    assert left_in(upper) == ["d", "d/else.where"]


def test_a_copy_that_came_second_is_not_read_in_place_of_the_first(
    upper: FileSystemStorage, lower: FaultyStorage
) -> None:
    """Another process stores the file between the look and the save."""
    faulty = FaultyStorage(upper)
    faulty.stage("save", times=1, delay=lambda: upper.save(NAME, ContentFile(b"theirs")))
    overlay = OverlayStorage(backends=[faulty, lower], promote=True)
    assert read(overlay, NAME) == b"theirs"
    assert read(upper, NAME) == b"theirs"


# Faults of the upper are never taken for answers.


@pytest.mark.parametrize("error", [PermissionError, FileNotFoundError, ConnectionError])
def test_a_fault_while_looking_for_a_whiteout_is_no_answer(
    upper: FileSystemStorage, lower: FaultyStorage, error: type[Exception]
) -> None:
    faulty = FaultyStorage(upper).stage("exists", name="d/.wh.a.txt", error=error)
    backends = [{"BACKEND": s, "DENIED_IS_MISSING": True} for s in (faulty, lower)]
    overlay = OverlayStorage(backends=backends)
    for ask in (overlay.open, overlay.exists, overlay.size, overlay.url):
        with pytest.raises(StorageUnavailable) as caught:
            ask(NAME)
        assert told_of_whiteouts(caught.value) == (NAME, error)


def told_of_whiteouts(error: StorageUnavailable) -> tuple[str, type[Exception]]:
    """What was asked about, and what the upper said to that: an error of each lower one."""
    (asked,) = error.failures.values()
    assert isinstance(asked, StorageUnavailable)
    assert asked.operation == "whiteout"
    assert list(asked.failures) == ["FaultyStorage"]
    return asked.name, type(asked.failures["FaultyStorage"])


def test_a_bug_while_looking_for_a_whiteout_is_not_hidden(
    upper: FileSystemStorage, lower: FaultyStorage
) -> None:
    faulty = FaultyStorage(upper).stage("exists", name="d/.wh.a.txt", error=TypeError)
    with pytest.raises(TypeError):
        OverlayStorage(backends=[faulty, lower]).exists(NAME)


class GoneError(Exception):
    """What a server says of a file that it lacks, and of a bucket as well."""

    status_code = 404


@pytest.mark.parametrize("error", [ConnectionError, GoneError])
def test_a_fault_while_listing_whiteouts_is_no_answer(
    upper: FileSystemStorage, lower: FaultyStorage, error: type[Exception]
) -> None:
    upper.save("d/b.txt", ContentFile(b""))
    faulty = FaultyStorage(upper)
    overlay = OverlayStorage(backends=[faulty, lower])
    calls = iter([False, True])  # The second is the one for the whiteouts.
    faulty.stage("listdir", name=lambda _: next(calls), error=error)
    with pytest.raises(StorageUnavailable) as caught:
        overlay.listdir("d")
    assert told_of_whiteouts(caught.value) == ("d", error)


# What is asked.


def test_what_the_upper_has_is_asked_for_nowhere_else(
    overlay: OverlayStorage, upper: FileSystemStorage, lower: FaultyStorage
) -> None:
    upper.save(NAME, ContentFile(b"mine"))
    assert read(overlay, NAME) == b"mine"
    for method in ("exists", "size", "url", "path", "locate", "get_modified_time"):
        getattr(overlay, method)(NAME)
    for mode in ("ab", "r+b", "wb"):
        overlay.open(NAME, mode).close()
    assert lower.calls == []


@pytest.mark.parametrize("name", [None, "", "/"])
def test_the_url_of_the_root_is_the_last_backends_and_nobody_is_asked(
    overlay: OverlayStorage, lower: FaultyStorage, name: str | None
) -> None:
    lower.forget()
    assert overlay.url(name) == "/lower/"
    assert [call.method for call in lower.calls] == ["url"]


def test_a_url_may_hold_what_no_file_name_can(overlay: OverlayStorage) -> None:
    assert overlay.url("a\0b.txt") == "/lower/a%00b.txt"


def test_the_url_of_a_lower_file_asks_it_nothing(
    overlay: OverlayStorage, lower: FaultyStorage
) -> None:
    assert overlay.url(NAME) == "/lower/d/a.txt"
    assert [call.method for call in lower.calls] == ["url"]


@pytest.mark.parametrize("method", ["open", "size", "url", "exists", "get_modified_time"])
def test_a_whiteout_costs_one_look(
    upper: FileSystemStorage, lower: FaultyStorage, method: str
) -> None:
    faulty = FaultyStorage(upper)
    overlay = OverlayStorage(backends=[faulty, lower])
    answer = getattr(overlay, method)(NAME)
    if method == "open":
        answer.close()
    assert len(faulty.called("exists", "d/.wh.a.txt")) == 1


# The lower ones.


def test_a_lower_one_is_read_only_whatever_it_is_told(
    upper: FileSystemStorage, lower: FaultyStorage
) -> None:
    entry = {"BACKEND": lower, "READ_ONLY": False}
    overlay = OverlayStorage(backends=[upper, entry])
    for backend in overlay.backends[1:]:
        for change in (
            partial(backend.delete, NAME),
            partial(backend.replace, NAME, ContentFile(b"")),
            partial(backend.create, NAME, ContentFile(b""), None),
            partial(backend.open_for_writing, NAME, "r+b"),
        ):
            with pytest.raises(ReadOnlyStorageError):
                change()
    assert lower.calls == []


def test_three_layers_are_read_from_above(upper: FileSystemStorage, beneath: Storage) -> None:
    middle = InMemoryStorage()
    middle.save("m.txt", ContentFile(b"middle"))
    middle.save(NAME, ContentFile(b"middle's"))
    layers = [FaultyStorage(middle), FaultyStorage(beneath)]
    overlay = OverlayStorage(backends=[upper, *layers])
    assert read(overlay, NAME) == b"middle's"
    overlay.delete(NAME)
    assert not overlay.exists(NAME)
    assert overlay.listdir("d") == ([], [])
    assert overlay.url(NAME) == "/upper/d/a.txt"
    with overlay.open("m.txt", "r+b") as file:
        file.write(b"M")
    assert read(upper, "m.txt") == b"Middle"
    assert [layer.mutations for layer in layers] == [[], []]


def test_an_overlay_lies_on_an_overlay(tmp_path: Path, overlay: OverlayStorage) -> None:
    above = OverlayStorage(backends=[FileSystemStorage(tmp_path / "above"), overlay])
    above.delete(NAME)
    assert not above.exists(NAME)
    assert overlay.exists(NAME)


def test_a_single_backend_is_an_overlay_of_nothing(upper: FileSystemStorage) -> None:
    overlay = OverlayStorage(backends=[upper])
    overlay.save(NAME, ContentFile(b"mine"))
    overlay.delete(NAME)
    assert left_in(upper) == ["d"]


# Configuration.


def test_an_overlay_is_not_the_first_of_an_overlay(overlay: OverlayStorage) -> None:
    with pytest.raises(ImproperlyConfigured, match="must not be an overlay"):
        OverlayStorage(backends=[overlay, InMemoryStorage()]).exists(NAME)


@pytest.mark.parametrize("option", ["on_fault", "delete"])
def test_its_policies_are_not_to_be_chosen(option: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"unknown option '{option}'"):
        OverlayStorage(backends=[InMemoryStorage()], **cast(Any, {option: "raise"}))


def test_nothing_changes_where_the_upper_is_read_only(
    upper: FileSystemStorage, lower: FaultyStorage
) -> None:
    overlay = OverlayStorage(backends=[{"BACKEND": upper, "READ_ONLY": True}, lower])
    for change in (
        lambda: overlay.delete(NAME),
        lambda: overlay.save(NAME, ContentFile(b"")),
        lambda: overlay.open(NAME, "r+b"),
        lambda: overlay.open(NAME, "wb"),
    ):
        with pytest.raises(ReadOnlyStorageError, match=r"READ_ONLY|read-only"):
            change()
    assert read(overlay, NAME) == b"production's"


# Changing.


@pytest.mark.parametrize("mode", ["r+b", "ab"])
def test_a_copy_up_that_fails_names_the_upper_and_leaves_nothing(
    upper: FileSystemStorage, lower: FaultyStorage, mode: str
) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    faulty = FaultyStorage(upper).stage("save", error=full)
    overlay = OverlayStorage(backends=[faulty, {"BACKEND": lower, "NAME": "production"}])
    with pytest.raises(StorageUnavailable) as caught:
        overlay.open(NAME, mode)
    assert list(caught.value.failures) == ["FaultyStorage"]
    assert (caught.value.operation, caught.value.name) == ("open", NAME)
    assert left_in(upper) == []


def test_a_copy_up_of_what_cannot_be_read_names_the_lower(
    overlay: OverlayStorage, upper: FileSystemStorage, lower: FaultyStorage
) -> None:
    lower.stage("open", error=ConnectionError)
    with heard(backend_failed) as told, pytest.raises(StorageUnavailable) as caught:
        overlay.open(NAME, "r+b")
    assert (caught.value.operation, caught.value.name) == ("open", NAME)
    assert [(p["backend"], p["operation"], p["name"]) for p in told] == [
        ("FaultyStorage", "open", NAME)
    ]
    assert left_in(upper) == []


def test_what_nobody_has_is_begun_in_the_upper(
    overlay: OverlayStorage, upper: FileSystemStorage
) -> None:
    with overlay.open("d/new.txt", "ab") as file:
        file.write(b"new")
    assert read(upper, "d/new.txt") == b"new"
    with pytest.raises(FileNotFoundError):
        overlay.open("d/newer.txt", "r+b")


def test_a_copy_that_was_cut_off_is_told(
    upper: FileSystemStorage, lower: FaultyStorage, caplog: pytest.LogCaptureFixture
) -> None:
    faulty = FaultyStorage(upper).stage("save", partial=1).stage("delete", error=PermissionError)
    with pytest.raises(StorageUnavailable):
        OverlayStorage(backends=[faulty, lower]).open(NAME, "r+b")
    assert f"copy({NAME!r}): FaultyStorage may hold an incomplete file" in caplog.messages


def test_a_copy_under_another_name_is_an_error_and_nothing_is_deleted(
    upper: FileSystemStorage, lower: FaultyStorage
) -> None:
    faulty = FaultyStorage(upper).stage("save", stored_as="d/else.where")
    with pytest.raises(StorageUnavailable) as caught:
        OverlayStorage(backends=[faulty, lower]).open(NAME, "r+b")
    assert isinstance(caught.value.__cause__, NameChangedError)
    told = str(caught.value.__cause__)
    assert told == "FaultyStorage stored 'd/a.txt' as 'd/else.where': nothing was deleted."
    assert left_in(upper) == ["d", "d/else.where"]


def test_the_content_of_a_copy_bears_the_files_name(lower: FaultyStorage) -> None:
    class Labelling(InMemoryStorage):
        """Looks at the content's name, as one that finds out its type does."""

        def _save(self, name: str, content: Any) -> str:
            labels.append(content.name)
            stored: str = super()._save(name, content)  # type: ignore[misc]
            return stored

    labels: list[str] = []
    OverlayStorage(backends=[FaultyStorage(Labelling()), lower]).open(NAME, "r+b").close()
    assert labels == [NAME]


def test_text_is_changed_in_a_copy(overlay: OverlayStorage, beneath: Storage) -> None:
    with overlay.open(NAME, "r+") as file:
        file.write("PRO")
    assert read(overlay, NAME) == b"PROduction's"
    assert read(beneath, NAME) == b"production's"


def test_a_save_replaces_at_once_where_the_upper_overwrites(
    tmp_path: Path, lower: FaultyStorage
) -> None:
    class Overwriting(FileSystemStorage):
        file_overwrite = True

    overlay = OverlayStorage(backends=[Overwriting(tmp_path / "overwriting"), lower])
    assert overlay.save("b.txt", ContentFile(b"old")) == "b.txt"
    with overlay.open("b.txt") as file:
        assert overlay.save("b.txt", ContentFile(b"new")) == "b.txt"
        assert file.read() == b"old"
    assert read(overlay, "b.txt") == b"new"


def test_a_name_taken_meanwhile_is_avoided(
    overlay: OverlayStorage, upper: FileSystemStorage
) -> None:
    upper.save("b.txt", ContentFile(b"theirs"))
    stored = overlay._save("b.txt", ContentFile(b"mine"))
    assert stored != "b.txt"
    assert read(overlay, stored) == b"mine"
    assert read(overlay, "b.txt") == b"theirs"


# Every promise of a storage.


class OverlayContract(fallback.CombinedContract):
    def make_storage(self) -> Storage:
        return OverlayStorage(backends=self.backends(), **self.options)


class TestTwoDirectoriesOverlaid(OverlayContract, fallback.TestTwoDirectories):
    pass


class TestTwoDirectoriesPromoting(TestTwoDirectoriesOverlaid):
    options: ClassVar = {"promote": True}


class TestMemoryOverDirectory(OverlayContract):
    paths_are_real = False
    deletes_trees = True
    truncates = False
    appends = False
    independent_positions = False

    # As with Django's storage in memory alone, what becomes of the two is a matter of luck.
    test_two_threads_that_save_one_name_keep_both_files = None  # type: ignore[assignment]

    def backends(self) -> list[Storage]:
        return [InMemoryStorage(base_url="/media/"), self.fs()]
