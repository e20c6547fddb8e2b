"""``manage.py storage_changes``: what an overlay changed, and taking it back."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings
from django.utils import timezone

from fallback_storage.management.commands import storage_changes
from fallback_storage.overlay.changes import Changes, Kind
from fallback_storage.overlay.undo import Undo
from fallback_storage.overlay.whiteouts import marker
from fallback_storage.storage import FallbackStorage, OverlayStorage
from fallback_storage.testing import RemoteFaultyStorage

from .override import override_storages

LONG_AGO = 1_000_000_000
#: Too long for the name of a whiteout.
LONG = "photos/" + "x" * 253
HELD = ("photos/a.jpg", "photos/b.jpg", "photos/c.jpg", "photos/d.jpg", LONG)


@pytest.fixture
def disk(tmp_path: Path) -> FileSystemStorage:
    return FileSystemStorage(tmp_path / "disk")


@pytest.fixture
def beneath(tmp_path: Path) -> FileSystemStorage:
    """Production's files, all of the same size and age."""
    storage = FileSystemStorage(tmp_path / "production", base_url="/production/")
    for name in HELD:
        storage.save(name, ContentFile(f"production's {name[7]}".encode()))
        os.utime(storage.path(name), (LONG_AGO, LONG_AGO))
    return storage


@pytest.fixture
def production(beneath: FileSystemStorage) -> RemoteFaultyStorage:
    return RemoteFaultyStorage(beneath)


@pytest.fixture(autouse=True)
def overlay(
    disk: FileSystemStorage, beneath: FileSystemStorage, production: RemoteFaultyStorage
) -> Iterator[OverlayStorage]:
    """An overlay over production, which is the same in the end."""
    before = snapshot(beneath)
    made = OverlayStorage(
        [{"BACKEND": disk, "NAME": "disk"}, {"BACKEND": production, "NAME": "production"}],
        promote=True,
        presence={},
    )
    entry = {"BACKEND": f"{__name__}.Made"}
    Made.made = made
    cache.clear()
    with override_storages(
        {"default": entry, "failover": {"BACKEND": f"{__name__}.Failover"}, "files": FILES}
    ):
        yield made
    assert snapshot(beneath) == before
    assert not production.mutations


FILES = {"BACKEND": "django.core.files.storage.InMemoryStorage"}


class Made(OverlayStorage):
    """Stands for the overlay of the test, under an alias."""

    made: OverlayStorage

    def __new__(cls) -> Any:
        return cls.made


class Failover(FallbackStorage):
    def __init__(self) -> None:
        super().__init__(["files", "files"])


def snapshot(storage: FileSystemStorage) -> dict[str, tuple[bytes, float]]:
    paths = [path for path in Path(storage.location).rglob("*") if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mtime) for path in paths}


def run(*arguments: str, ends: int = 0) -> str:
    """Run the command, and return what it printed."""
    out = StringIO()
    failing = pytest.raises(CommandError) if ends else nullcontext()
    with failing as caught:
        call_command("storage_changes", *arguments, stdout=out, stderr=out, no_color=True)
    error = getattr(caught, "value", None)
    assert getattr(error, "returncode", 0) == ends
    return out.getvalue() + (str(error) if error else "")


def listed(*arguments: str, ends: int = 0) -> dict[str, str]:
    """Return the kind of each change."""
    out = StringIO()
    with pytest.raises(CommandError) if ends else nullcontext():
        call_command("storage_changes", "--json", *arguments, stdout=out)
    return {each["name"]: each["kind"] for each in json.loads(out.getvalue())["changes"]}


def change(overlay: OverlayStorage) -> None:
    """Change something of every kind."""
    overlay.save("photos/new.jpg", ContentFile(b"new"))
    overlay.open("photos/a.jpg").close()
    with overlay.open("photos/b.jpg", "ab") as file:
        file.write(b", edited")
    overlay.delete("photos/c.jpg")
    overlay.delete("photos/d.jpg")
    overlay.save("photos/d.jpg", ContentFile(b"another"))
    overlay.delete(LONG)


KINDS = {
    "photos/new.jpg": "added",
    "photos/a.jpg": "promoted",
    "photos/b.jpg": "changed",
    "photos/c.jpg": "deleted",
    "photos/d.jpg": "changed",
    LONG: "deleted",
}


def test_every_change_is_listed_with_its_kind(overlay: OverlayStorage) -> None:
    assert listed() == {}
    assert run() == "Nothing is changed.\n"
    change(overlay)
    assert listed() == KINDS
    text = run()
    assert "2 changed (29 bytes), 2 deleted, 1 promoted (14 bytes)" in text
    assert "1 added (3 bytes)" in text
    [line] = [each for each in text.splitlines() if "photos/a.jpg" in each]
    assert re.fullmatch(
        r"promoted +14 bytes  20\d\d-\d\d-\d\d \d\d:\d\d  photos/a.jpg  \(production: 14 bytes\)",
        line,
    )


def test_a_copy_of_another_age_is_compared_by_content(
    overlay: OverlayStorage, disk: FileSystemStorage
) -> None:
    overlay.open("photos/a.jpg").close()
    os.utime(disk.path("photos/a.jpg"))
    assert listed() == {"photos/a.jpg": "promoted"}
    Path(disk.path("photos/a.jpg")).write_bytes(b"production's b")
    assert listed() == {"photos/a.jpg": "changed"}


@pytest.mark.parametrize("name", [*KINDS])
def test_a_discarded_change_shows_what_lies_below(
    overlay: OverlayStorage, beneath: FileSystemStorage, name: str
) -> None:
    change(overlay)
    assert "Discarded: 1 " in run("--discard", name, "--yes")
    assert listed() == {each: kind for each, kind in KINDS.items() if each != name}
    if beneath.exists(name):
        with overlay.open(name) as file, beneath.open(name) as below:
            assert file.read() == below.read()
        assert overlay.locate(name) in {"production", "disk"}
    else:
        assert not overlay.exists(name)


def test_what_presence_remembers_is_forgotten(overlay: OverlayStorage) -> None:
    overlay.delete("photos/c.jpg")
    assert overlay.locate("photos/c.jpg") is None
    assert overlay.url("photos/c.jpg") != "/production/photos/c.jpg"
    run("--discard", "photos/c.jpg", "--yes")
    assert overlay.locate("photos/c.jpg") == "production"
    assert overlay.url("photos/c.jpg") == "/production/photos/c.jpg"


def test_patterns_choose_and_each_must_match(overlay: OverlayStorage) -> None:
    change(overlay)
    assert "No change matches 'nothing*'" in run(
        "--discard", "photos/*", "nothing*", "--yes", ends=2
    )
    assert "No whiteout matches 'photos/a.jpg'" in run(
        "--restore", "photos/a.jpg", "--yes", ends=2
    )
    assert listed() == KINDS
    run("--discard", "photos/*", "--yes")
    assert listed() == {}


def test_a_restored_name_shows_again_and_a_file_over_it_stays(overlay: OverlayStorage) -> None:
    change(overlay)
    assert "Restored: 2 deleted" in run("--restore", "photos/c*", LONG, "--yes")
    assert overlay.exists("photos/c.jpg")
    assert overlay.exists(LONG)
    run("--restore", "photos/d.jpg", "--yes")
    with overlay.open("photos/d.jpg") as file:
        assert file.read() == b"another"
    assert listed()["photos/d.jpg"] == "changed"


def test_only_promoted_copies_that_nobody_edited_are_pruned(
    overlay: OverlayStorage, disk: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(overlay)
    prune = ("--prune-promoted", "--older-than", "30d", "--yes")
    assert "Nothing is to be deleted" in run(*prune)  # Production's file is old, the copy is not.
    later = timezone.now() + timedelta(days=31)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert "Deleted: 1 promoted (14 bytes)" in run(*prune)
    assert listed() == {name: kind for name, kind in KINDS.items() if kind != "promoted"}
    assert not disk.exists("photos/a.jpg")


def test_a_copy_edited_without_a_trace_is_kept(
    overlay: OverlayStorage, disk: FileSystemStorage
) -> None:
    overlay.open("photos/a.jpg").close()
    Path(disk.path("photos/a.jpg")).write_bytes(b"production's !")
    os.utime(disk.path("photos/a.jpg"), (LONG_AGO, LONG_AGO))
    text = run("--prune-promoted", "--yes", ends=1)
    assert "Kept 'photos/a.jpg': its content is another." in text
    assert disk.exists("photos/a.jpg")


def test_a_promoted_copy_over_a_whiteout_is_kept(
    overlay: OverlayStorage, disk: FileSystemStorage
) -> None:
    overlay.open("photos/a.jpg").close()
    disk.save(marker("photos/a.jpg"), ContentFile(b""))
    assert "nothing would show in its place" in run("--prune-promoted", "--yes", ends=1)
    assert disk.exists("photos/a.jpg")


def test_what_killed_processes_left_is_swept_once_it_is_a_day_old(
    overlay: OverlayStorage, disk: FileSystemStorage
) -> None:
    overlay.delete(LONG)
    name = disk.save("photos/.wh..wh.new-0123456789abcdef", ContentFile(b"half"))
    assert listed() == {LONG: "deleted", name: "leftover"}
    assert "Nothing is to be deleted." in run("--sweep", "--yes")
    os.utime(disk.path(name), (LONG_AGO, LONG_AGO))
    assert "Deleted: 1 leftover (4 bytes)" in run("--sweep", "--yes")
    assert listed() == {LONG: "deleted"}
    assert not overlay.exists(LONG)


def test_a_dry_run_changes_nothing(overlay: OverlayStorage, disk: FileSystemStorage) -> None:
    change(overlay)
    before = snapshot(disk)
    assert "Would be discarded: 1 added (3 bytes)." in run("--discard", "*new*", "--dry-run")
    told = json.loads(run("--prune-promoted", "--dry-run", "--json"))
    assert [each["name"] for each in told["would"]] == ["photos/a.jpg"]
    assert told["totals"] == {"promoted": {"count": 1, "bytes": 14}}
    assert snapshot(disk) == before


@pytest.mark.parametrize(("answer", "is_done"), [("y", True), ("n", False), ("", False)])
def test_it_asks_first(
    overlay: OverlayStorage, monkeypatch: pytest.MonkeyPatch, answer: str, is_done: bool
) -> None:
    asked: list[str] = []

    def reply(question: str) -> str:
        asked.append(question)
        return answer

    change(overlay)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", reply)
    run("--discard", "photos/new.jpg", ends=0 if is_done else 1)
    assert asked == ["Discard 1 added (3 bytes)? [y/N] "]
    assert overlay.exists("photos/new.jpg") is not is_done


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--discard", "photos/new.jpg"), "Nobody is there to answer"),
        (("--discard", "photos/new.jpg", "--json"), "--json cannot ask"),
        (("--older-than", "30d"), "--older-than needs"),
        (("--storage", "failover"), "is no OverlayStorage"),
        (("--storage", "defualt"), "Did you mean 'default'?"),
    ],
)
def test_wrong_usage_says_what_is_wrong_and_changes_nothing(
    overlay: OverlayStorage, arguments: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(overlay)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert says in run(*arguments, ends=2)
    assert listed() == KINDS


@pytest.mark.parametrize("age", ["30", "d", "30y", "-1d", "", "99999999999d"])
def test_an_age_that_is_none_is_refused(age: str) -> None:
    with pytest.raises(CommandError, match="older-than"):
        call_command("storage_changes", "--prune-promoted", f"--older-than={age}")


def test_in_an_outage_nothing_is_guessed_and_nothing_taken_back(
    overlay: OverlayStorage, production: RemoteFaultyStorage, disk: FileSystemStorage
) -> None:
    change(overlay)
    before = snapshot(disk)
    production.stage("*", error=OSError(errno.ECONNREFUSED, "refused"))
    kinds = listed(ends=1)
    assert set(kinds.values()) == {"not known"}
    assert "not known" in run(ends=1)
    for arguments in (
        ("--discard", "photos/*"),
        ("--restore", "photos/*"),
        ("--prune-promoted",),
    ):
        assert run(*arguments, "--yes", ends=1)
    assert snapshot(disk) == before
    production.heal()
    for backend in overlay.backends:
        if backend.breaker is not None:
            backend.breaker.reset()


def test_a_first_backend_that_cannot_be_listed_is_said(
    disk: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listdir(path: str) -> Any:
        raise PermissionError(errno.EACCES, "secret")

    monkeypatch.setattr(disk, "listdir", listdir)
    text = run(ends=1)
    assert "could not be listed: PermissionError" in text
    assert "secret" not in text


def between(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Do something between the listing and the first undo."""
    undo = Undo._undo

    def later(self: Undo, change: Any, how: Any) -> Any:
        do()
        return undo(self, change, how)

    monkeypatch.setattr(Undo, "_undo", later)


@pytest.mark.parametrize("arguments", [("--discard", "photos/a.jpg"), ("--prune-promoted",)])
def test_what_was_saved_since_the_listing_is_kept(
    overlay: OverlayStorage, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    overlay.open("photos/a.jpg").close()

    def edit() -> None:
        with overlay.open("photos/a.jpg", "ab") as file:
            file.write(b", edited")

    between(monkeypatch, edit)
    assert "it has changed since it was listed" in run(*arguments, "--yes", ends=1)
    with overlay.open("photos/a.jpg") as file:
        assert file.read() == b"production's a, edited"


def test_a_file_that_is_gone_since_the_listing_is_kept_as_it_is(
    overlay: OverlayStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay.save("photos/new.jpg", ContentFile(b"new"))
    between(monkeypatch, lambda: overlay.delete("photos/new.jpg"))
    assert "it has changed since" in run("--discard", "photos/new.jpg", "--yes", ends=1)


def test_a_failure_to_delete_is_told_by_its_type(
    overlay: OverlayStorage, disk: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay.save("photos/new.jpg", ContentFile(b"new"))

    def delete(name: str) -> None:
        raise PermissionError(errno.EACCES, "secret")

    monkeypatch.setattr(disk, "delete", delete)
    told = json.loads(
        run("--discard", "photos/new.jpg", "--yes", "--json", ends=1).split("1 kept")[0]
    )
    assert [each["why"] for each in told["kept"]] == ["PermissionError"]
    monkeypatch.setattr(disk, "delete", lambda name: None)
    assert "did not delete it" in run("--discard", "photos/new.jpg", "--yes", ends=1)


def test_a_crash_between_the_two_steps_of_a_discard_leaves_the_first_backends_file(
    overlay: OverlayStorage, disk: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(overlay)
    deleted: list[str] = []
    delete = disk.delete

    def once(name: str) -> None:
        if deleted:
            raise OSError(errno.EIO, "lost")
        deleted.append(name)
        delete(name)

    monkeypatch.setattr(disk, "delete", once)
    run("--discard", "photos/d.jpg", "--yes", ends=1)
    monkeypatch.undo()
    assert deleted == [marker("photos/d.jpg")]
    with overlay.open("photos/d.jpg") as file:
        assert file.read() == b"another"


def test_a_backend_below_without_times_is_compared_by_content(
    overlay: OverlayStorage, production: RemoteFaultyStorage
) -> None:
    overlay.open("photos/a.jpg").close()
    production.stage("get_modified_time", error=NotImplementedError())
    assert listed() == {"photos/a.jpg": "promoted"}
    production.heal()


def test_what_is_as_old_as_nobody_knows_is_not_swept(
    overlay: OverlayStorage, disk: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = disk.save("photos/.wh..wh.new-0123456789abcdef", ContentFile(b"half"))

    def no_time(name: str) -> Any:
        raise NotImplementedError

    for method in ("get_modified_time", "get_created_time"):
        monkeypatch.setattr(disk, method, no_time)
    assert "Nothing is to be deleted." in run("--sweep", "--yes")
    assert disk.exists(name)


def test_naive_times_count_as_well(overlay: OverlayStorage, disk: FileSystemStorage) -> None:
    name = disk.save("photos/.wh..wh.new-0123456789abcdef", ContentFile(b"half"))
    os.utime(disk.path(name), (LONG_AGO, LONG_AGO))
    with override_settings(USE_TZ=False):
        assert "Deleted: 1 leftover" in run("--sweep", "--yes")


@pytest.mark.parametrize("base", ["new.jpg", ".wh..wh.new-0123456789abcdef"])
def test_a_file_that_goes_while_it_is_looked_at_is_no_change(
    disk: FileSystemStorage, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    disk.save(f"photos/{base}", ContentFile(b"new"))
    listdir = disk.listdir

    def gone(path: str) -> Any:
        found = listdir(path)
        if base in found[1]:
            os.unlink(disk.path(f"photos/{base}"))
        return found

    monkeypatch.setattr(disk, "listdir", gone)
    assert listed() == {}


def test_a_file_that_goes_while_it_is_measured_is_no_change(
    disk: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.save("photos/new.jpg", ContentFile(b"new"))
    get_modified_time = disk.get_modified_time

    def gone(name: str) -> Any:
        os.unlink(disk.path(name))
        return get_modified_time(name)

    monkeypatch.setattr(disk, "get_modified_time", gone)
    assert listed() == {}


def test_a_file_that_cannot_be_measured_is_an_error(
    disk: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.save("photos/new.jpg", ContentFile(b"new"))

    def size(name: str) -> int:
        raise PermissionError(errno.EACCES, "secret")

    monkeypatch.setattr(disk, "size", size)
    assert "PermissionError" in run(ends=1)


def test_symbolic_links_that_lead_nowhere_or_back_end_nothing(disk: FileSystemStorage) -> None:
    disk.save("photos/new.jpg", ContentFile(b"new"))
    os.symlink("/nowhere/x", disk.path("photos/link.jpg"))
    os.symlink("..", disk.path("photos/up"))
    assert listed() == {"photos/new.jpg": "added", "photos/link.jpg": "added"}


def test_a_directory_behind_a_symbolic_link_is_looked_at(
    disk: FileSystemStorage, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "new.jpg").write_bytes(b"new")
    os.makedirs(disk.location)
    os.symlink(tmp_path / "elsewhere", disk.path("link"))
    assert listed() == {"link/new.jpg": "added"}


def test_a_name_cannot_command_the_terminal(disk: FileSystemStorage) -> None:
    os.makedirs(disk.location)
    Path(disk.location, "a\x1b[31m\nb.jpg").write_bytes(b"x")
    lines = run().splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("a\\x1b[31m\\nb.jpg")


@pytest.mark.parametrize(("age", "is_swept"), [("0m", True), ("1m", False), ("999999w", False)])
def test_how_old_a_leftover_must_be_can_be_said(
    disk: FileSystemStorage, age: str, is_swept: bool
) -> None:
    name = disk.save("photos/.wh..wh.new-0123456789abcdef", ContentFile(b"half"))
    run("--sweep", "--older-than", age, "--yes")
    assert disk.exists(name) is not is_swept


@pytest.mark.parametrize(
    "arguments",
    [("--discard", "photos/a.jpg"), ("--prune-promoted",), ("--restore", "photos/c.jpg")],
)
def test_an_outage_after_the_listing_is_said(
    overlay: OverlayStorage,
    production: RemoteFaultyStorage,
    disk: FileSystemStorage,
    arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change(overlay)
    before = snapshot(disk)
    refused = OSError(errno.ECONNREFUSED, "refused")
    between(monkeypatch, lambda: production.stage("*", error=refused))
    assert "a backend could not say what it has of it" in run(*arguments, "--yes", ends=1)
    production.heal()
    assert snapshot(disk) == before


def test_a_hashed_whiteout_over_a_backend_that_cannot_list_has_a_name_of_its_own(
    overlay: OverlayStorage, production: RemoteFaultyStorage
) -> None:
    overlay.delete(LONG)
    production.stage("listdir", error=NotImplementedError())
    [name] = listed()
    assert name == marker(LONG)
    run("--restore", name, "--yes")
    production.heal()
    assert overlay.exists(LONG)


def test_what_a_denied_backend_is_said_to_lack_was_added(
    disk: FileSystemStorage, beneath: FileSystemStorage
) -> None:
    class Forbidden(Exception):
        status_code = 403

    denied = RemoteFaultyStorage(beneath)
    for method in ("exists", "size"):
        denied.stage(method, error=Forbidden())
    lower = {"BACKEND": denied, "NAME": "denied", "DENIED_IS_MISSING": True}
    overlay = OverlayStorage([disk, lower])
    disk.save("photos/new.jpg", ContentFile(b"new"))
    assert [each.kind for each in Changes(overlay.members)] == [Kind.ADDED]


def test_who_waits_for_many_changes_is_told(
    disk: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_changes, "_MANY", 2)
    for number in range(4):
        disk.save(f"photos/{number}.jpg", ContentFile(b"new"))
    text = run("--discard", "photos/*", "--dry-run")
    assert text.startswith("2 changes found ...\n4 changes found ...\n")
