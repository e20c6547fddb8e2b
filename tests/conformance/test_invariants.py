"""The invariants of the contract, whatever the backends do and whatever is asked of them."""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import pickle
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from fallback_storage.errors import (
    NameChangedError,
    ReadOnlyStorageError,
    StorageUnavailable,
    UnsupportedOperation,
)
from fallback_storage.signals import backend_failed, fallback_used
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage
from fallback_storage.testing.promises.material import (
    BrokenContent,
    ContentBrokeError,
    read,
)

from .staging import (
    FAULTS,
    NAMES,
    ODD_NAMES,
    SECRET,
    Fault,
    Plan,
    Staged,
    Upload,
    World,
    built,
    delete,
    faults,
    files,
    long_files,
    names,
    old_content,
    on_fault,
    uploads,
    worlds,
    worlds_to_save_in,
)

Ask = Callable[[Storage, str], Any]


def _call(method: str) -> Ask:
    return lambda storage, name: getattr(storage, method)(name)


def _save(method: str) -> Ask:
    return lambda storage, name: getattr(storage, method)(name, ContentFile(b"new"))


def _write(mode: str) -> Ask:
    def write(storage: Storage, name: str) -> None:
        with storage.open(name, mode) as file:
            file.write(b"new" if "b" in mode else "new")

    return write


TIMES = ("get_accessed_time", "get_created_time", "get_modified_time")
READS: dict[str, Ask] = {
    "open": read,
    **{method: _call(method) for method in ("exists", "locate", "path", "size", "url", *TIMES)},
}
WRITES: dict[str, Ask] = {
    "delete": _call("delete"),
    **{method: _save(method) for method in ("save", "_save")},
    **{mode: _write(mode) for mode in ("wb", "ab", "r+b", "xb", "w", "rb+")},
}
ASKS = READS | WRITES | {method: _call(method) for method in ("listdir", "explain")}


# 1. Absence is not outage.


@given(worlds(), names, st.sampled_from(sorted(READS)), on_fault)
def test_a_file_is_missing_only_if_every_backend_says_so(
    plans: Sequence[Plan], name: str, method: str, on_fault: str
) -> None:
    with built(plans, on_fault=on_fault) as world:
        try:
            READS[method](world.storage, name)
        except FileNotFoundError:
            assert [b.name for b in world.backends if may_hold(b, name)] == []
        except Exception:
            # Some other error is the honest answer where a backend could not say.
            assert method == "path" or not_plain(world, name)


def may_hold(backend: Staged, name: str) -> bool:
    return backend.holds(name) and not backend.keeps_quiet()


def not_plain(world: World, name: str) -> bool:
    """Whether a fault happened, or what is asked is beyond a file system."""
    faulty = any(backend.happened for backend in world.backends)
    return faulty or name in ("d", "a.txt/below.txt") or len(name) > 255


@given(worlds(), names, on_fault)
def test_exists_is_never_false_out_of_ignorance(
    plans: Sequence[Plan], name: str, on_fault: str
) -> None:
    with built(plans, on_fault=on_fault) as world:
        try:
            exists = world.storage.exists(name)
        except Exception:
            assert not_plain(world, name)
            return
        if exists:
            assert any(backend.holds(name) for backend in world.backends)
        else:
            asked = [b for b in world.backends if not (on_fault == "skip" and b.happened)]
            assert [b.name for b in asked if may_hold(b, name)] == []


@given(worlds(), st.sampled_from(("", "d", "d/e")), on_fault)
def test_a_listing_is_never_short_out_of_ignorance(
    plans: Sequence[Plan], path: str, on_fault: str
) -> None:
    with built(plans, on_fault=on_fault) as world:
        try:
            directories, files = world.storage.listdir(path)
        except FileNotFoundError:
            assert [b.name for b in world.backends if may_hold(b, path)] == []
            return
        except Exception:
            assert any(backend.happened for backend in world.backends)
            return
        assert len({*directories, *files}) == len(directories) + len(files)
        answering = [b for b in world.backends if not b.happened]
        skipped = [b for b in world.backends if b.happened]
        assert on_fault == "skip" or all(b.keeps_quiet() or not may_hold(b, path) for b in skipped)
        assert {*directories, *files} == {
            entry
            for b in answering
            if b.holds(path)
            for part in b.beneath.listdir(path)
            for entry in part
        }


@given(worlds(), names, on_fault)
def test_a_path_leads_to_the_file_or_to_where_it_may_be_written(
    plans: Sequence[Plan], name: str, on_fault: str
) -> None:
    with built(plans, on_fault=on_fault) as world:
        try:
            path = world.storage.path(name)
        except Exception:
            return
        owner = next(b for b in world.backends if b.beneath.path(name) == path)
        assert owner.plan.kind != "lazy"
        assert owner.holds(name) or not owner.plan.read_only


# 2. A read-only backend is never changed.


@given(worlds_to_save_in(), st.data(), on_fault, delete)
def test_a_read_only_backend_is_left_alone(
    plans: Sequence[Plan], data: st.DataObject, on_fault: str, delete: str
) -> None:
    assume(any(plan.read_only for plan in plans))
    asks = data.draw(
        st.lists(
            st.tuples(st.sampled_from(sorted(ASKS)), st.sampled_from(NAMES + ODD_NAMES)),
            min_size=1,
            max_size=6,
        )
    )
    with built(plans, on_fault=on_fault, delete=delete) as world:
        before = world.files()
        for method, name in asks:
            with contextlib.suppress(Exception):
                ASKS[method](world.storage, name)
        for backend, files in zip(world.backends, before, strict=True):
            if backend.plan.read_only:
                assert backend.faulty.mutations == []
                assert backend.files() == files


@given(worlds(), files, st.sampled_from(sorted(WRITES)), delete)
def test_where_nothing_may_be_written_a_write_is_refused(
    plans: Sequence[Plan], name: str, method: str, delete: str
) -> None:
    plans = [Plan(plan.kind, plan.files, read_only=True) for plan in plans]
    with built(plans, delete=delete) as world:
        held = any(backend.holds(name) for backend in world.backends)
        expected: type[Exception] = ReadOnlyStorageError
        if method == "xb" and held:
            expected = FileExistsError
        if method in ("r+b", "rb+") and not held:
            expected = FileNotFoundError
        with pytest.raises(expected):
            WRITES[method](world.storage, name)


@pytest.mark.parametrize(
    ("operation", "args"),
    [
        *[("create", [b"", None]), ("replace", [b""]), ("delete", [])],
        *[("open_for_writing", ["wb"]), ("open_for_writing", ["r+"])],
    ],
)
def test_the_boundary_itself_lets_no_change_through(operation: str, args: list[Any]) -> None:
    with built([Plan("fs", read_only=True)]) as world:
        (backend,) = world.storage.backends
        with pytest.raises(ReadOnlyStorageError):
            getattr(backend, operation)("a.txt", *args)
        assert world.backends[0].faulty.calls == []


# 3. Bad names reach no backend.


def _written(parts: Sequence[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda parts, separator, end: separator.join(parts) + end,
        st.lists(st.sampled_from(parts), max_size=4),
        st.sampled_from(["/", "\\"]),
        st.sampled_from(["", "/", "\\", "//"]),
    )


#: What takes the name of a file, and what takes that of a directory, too.
FILE_METHODS: dict[str, Ask] = {
    **{method: _call(method) for method in ("open", "size", "get_available_name", *TIMES)},
    **{method: _call(method) for method in ("accessed_time", "created_time", "modified_time")},
    **WRITES,
}
PATH_METHODS: dict[str, Ask] = {
    method: _call(method) for method in ("exists", "listdir", "path", "locate", "explain")
}


def is_bad(name: str, *, directories: bool) -> bool:
    parts = name.replace("\\", "/").split("/")
    outside = (len(parts) > 1 and parts[0] == "") or ".." in parts or "\0" in name
    is_directory = parts[-1] == "" or {*parts} <= {"", "."}
    return outside or (is_directory and not directories)


@given(_written(["a", "b.txt", "..", ".", "", "a\0b", "...", "..a"]))
def test_a_bad_name_reaches_no_backend(name: str) -> None:
    asks: dict[str, Ask] = {}
    if is_bad(name, directories=True):
        asks |= PATH_METHODS
    if is_bad(name, directories=False):
        asks |= FILE_METHODS
    if ".." in name.replace("\\", "/").split("/"):
        asks["url"] = _call("url")
    with permissive() as (storage, calls):
        for method, ask in asks.items():
            # An empty name given to delete() is a ValueError, as Django has it.
            with pytest.raises(
                ValueError if method == "delete" and not name else SuspiciousFileOperation
            ):
                ask(storage, name)
        assert calls() == []


@given(_written(["a", "b.txt", ".", "", "...", "..a", "ü"]))
def test_a_good_name_reaches_the_backend_in_one_form(name: str) -> None:
    name = f"d/{name}/name"
    canonical = "/".join(part for part in re.split(r"[/\\]", name) if part not in ("", "."))
    with permissive() as (storage, calls):
        storage.exists(f"{name}/")
        storage.save(name, ContentFile(b"saved"))
        assert storage.size(name) == len(b"saved")
        assert {call.name for call in calls()} == {canonical}


class Anything(Storage):
    """Takes every name as it comes, as a client of an object store does."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def exists(self, name: str) -> bool:
        return name in self.files

    def _save(self, name: str, content: Any) -> str:
        self.files[name] = content.read()
        return name

    def size(self, name: str) -> int:
        return len(self.files[name])


@contextlib.contextmanager
def permissive() -> Iterator[tuple[Storage, Callable[[], list[Any]]]]:
    backends = [FaultyStorage(Anything()), FaultyStorage(Anything())]
    yield FallbackStorage(backends=backends), lambda: [c for b in backends for c in b.calls]


# 4 and 5. Content is written whole or not at all, under one name, in one backend.


CUT_OFF = Fault("save", "refused", partial=2)
A_FILE = ("a.txt",)


@example(  # The second would choose a name by itself, and fail.
    plans=[
        Plan("replacing", A_FILE, [Fault("save", "full")]),
        Plan("fs", A_FILE, [CUT_OFF]),
    ],
    name="a.txt",
    upload=Upload("content", b"new content"),
    on_fault="failover",
)
@example(  # The first older copy could be deleted, the second could not.
    plans=[
        Plan("replacing", A_FILE, [Fault("save", "full")]),
        Plan("replacing", A_FILE, [Fault("save", "full"), Fault("delete", "denied")]),
        Plan("fs"),
    ],
    name="a.txt",
    upload=Upload("content", b"new content"),
    on_fault="failover",
)
@given(worlds_to_save_in(), files, uploads, on_fault)
def test_what_is_saved_is_read_back_and_lies_in_one_backend(
    plans: Sequence[Plan], name: str, upload: Upload, on_fault: str
) -> None:
    with built(plans, on_fault=on_fault) as world, listening() as said:
        before = world.files()
        try:
            stored = world.storage.save(name, upload())
        except NameChangedError:
            assert any(fault.stored_as for b in world.backends for fault in b.happened)
            assert_only_changed(world, before, "else.where", upload.data, said)
            return
        except Exception:
            assert any(b.happened for b in world.backends) or not world.storage.writable_backends
            assert_only_changed(world, before, None, upload.data, said)
            return
        world.heal()
        assert read(world.storage, stored) == upload.data
        assert [b.name for b in world.backends if b.files().get(stored) == upload.data] != []
        assert_only_changed(world, before, stored, upload.data, said)


def assert_only_changed(
    world: World,
    before: Sequence[dict[str, bytes]],
    stored: str | None,
    data: bytes = b"",
    said: Sequence[str] = (),
) -> None:
    """Fail for any change but one new file, what a save cut off left, and what it replaced."""
    world.heal()
    changes = []
    for backend, old in zip(world.backends, before, strict=True):
        new = backend.files()
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) == new.get(name) or was_replaced(world, backend, name, stored):
                continue
            if new.get(name) in cut_off(backend, data) and (name not in old or backend.overwrites):
                words = f"save({name!r}): {backend.name} may hold an incomplete file"
                assert words in said or backend.plan.kind == "nested"
                continue
            changes.append((backend.name, name, old.get(name), new.get(name)))
    assert [name for _, name, _, _ in changes] == ([] if stored is None else [stored]), changes


def cut_off(backend: Staged, data: bytes) -> list[bytes]:
    """What a save leaves that is cut off: nobody knows for certain who created it."""
    return [data[: fault.partial] for fault in backend.happened if fault.partial is not None]


def was_replaced(world: World, backend: Staged, name: str, stored: str | None) -> bool:
    """Whether a file is gone that its owner wanted replaced: the new one lies elsewhere."""
    is_first = backend is world.backends[0] and backend.overwrites
    gone = is_first and backend.failed("save") and not backend.holds(name)
    return gone and stored not in (None, name)


@given(worlds_to_save_in(), files, st.sampled_from(("seekable", "stream")), on_fault)
def test_content_that_breaks_ends_the_save_and_leaves_nothing(
    plans: Sequence[Plan], name: str, kind: str, on_fault: str
) -> None:
    broken = BrokenContent() if kind == "seekable" else BrokenStream()
    with built(plans, on_fault=on_fault) as world:
        before = world.files()
        with pytest.raises(Exception) as raised:  # noqa: PT011 - the content's, or who read none of it
            world.storage.save(name, broken)
        saves = [b.faulty.called("save") for b in world.backends]
        if raised.type is ContentBrokeError:
            assert not saves[-1] or all(b.failed("save") for b in writable(world)[:-1])
        else:
            assert any(b.happened for b in world.backends) or not writable(world)
        assert_only_changed(world, before, stored=None)


class BrokenStream(BrokenContent):
    """It cannot seek either."""

    def seekable(self) -> bool:
        return False


def writable(world: World) -> list[Staged]:
    return [backend for backend in world.backends if not backend.plan.read_only]


@given(worlds(), files, on_fault)
def test_what_is_deleted_everywhere_is_nowhere(
    plans: Sequence[Plan], name: str, on_fault: str
) -> None:
    with built(plans, on_fault=on_fault, delete="all") as world:
        before = world.files()
        try:
            world.storage.delete(name)
        except ReadOnlyStorageError:
            assert world.files() == before
        except Exception:
            assert any(backend.happened for backend in world.backends)
            kept = [name in backend.files() for backend in writable(world)]
            held = [
                name in old
                for b, old in zip(world.backends, before, strict=True)
                if not b.plan.read_only
            ]
            # Last first: those that still have it come before those that lost it.
            lost = [position for position, held in enumerate(held) if held and not kept[position]]
            assert not any(kept[min(lost) :] if lost else [])
        else:
            assert [b.name for b in world.backends if may_hold(b, name)] == []


# 6. A lazy open does not count as success.


@given(worlds(faults(["open", "*"])), files, st.sampled_from(("rb", "r")), on_fault)
def test_a_file_that_was_opened_can_be_read(
    plans: Sequence[Plan], name: str, mode: str, on_fault: str
) -> None:
    with built(plans, on_fault=on_fault) as world:
        try:
            file = world.storage.open(name, mode)
        except Exception:
            assert not_plain(world, name) or not any(b.holds(name) for b in world.backends)
            return
        with file:
            content = file.read()
        content = content if isinstance(content, bytes) else content.encode()
        passed = list(takewhile(lambda b: b.files().get(name) != content, world.backends))
        assert [b.name for b in passed if b.holds(name) and not b.happened] == []
        assert len(passed) < len(world.backends)


# 10. A name is free, or has a random suffix.


@given(worlds(faults(["exists"])), long_files, st.none() | st.integers(20, 50), on_fault)
def test_an_available_name_is_taken_nowhere(
    plans: Sequence[Plan], name: str, max_length: int | None, on_fault: str
) -> None:
    with built(plans, on_fault=on_fault) as world:
        first = world.backends[0]
        available = world.storage.get_available_name(name, max_length)
        assert max_length is None or len(available) <= max_length
        overwritten = first.overwrites and not first.plan.read_only and available == name
        if overwritten and first.holds(name):
            return
        assert [b.name for b in world.backends if may_hold(b, available) and not b.happened] == []
        if available == name:
            assert [b.name for b in world.backends if may_hold(b, name)] == []
        else:
            assert re.search(r"_[a-zA-Z0-9]{7}\.", os.path.basename(available)), available
            assert os.path.dirname(available) == os.path.dirname(name)


@settings(max_examples=settings().max_examples // 5)  # each asks a hundred times
@given(worlds(faults(["exists"])), st.integers(0, 2), files, on_fault)
def test_a_backend_that_claims_every_name_is_an_error_not_a_loop(
    plans: Sequence[Plan], position: int, name: str, on_fault: str
) -> None:
    plans = [*plans[:position], Plan("claims all"), *plans[position:]]
    assume(plans[0].kind != "replacing")
    with built(plans, on_fault=on_fault) as world:
        with pytest.raises(StorageUnavailable) as raised:
            world.storage.get_available_name(name)
        assert raised.value.operation == "get_available_name"
        assert len(raised.value.failures) == 1
        assert sum(len(b.faulty.called("exists")) for b in world.backends) < 1000


# What a backend says in its own words stays with it.


@given(
    worlds(faults(errors=(*FAULTS, "unsupported"))),
    st.lists(st.tuples(st.sampled_from(sorted(ASKS)), names), min_size=1, max_size=6),
    on_fault,
    delete,
)
def test_a_backends_own_words_are_never_repeated(
    plans: Sequence[Plan], asks: Sequence[tuple[str, str]], on_fault: str, delete: str
) -> None:
    with built(plans, on_fault=on_fault, delete=delete) as world, listening() as said:
        for method, name in asks:
            try:
                said.append(str(ASKS[method](world.storage, name)))
            except OUR_ERRORS as error:
                said += [str(error), repr(error), *error_notes(error)]
            except Exception as error:
                said += error_notes(error)  # Raised as it is, its text is its own.
        said += [repr(world.storage), *(repr(backend) for backend in world.storage.backends)]
        assert [words for words in said if SECRET in words] == []


OUR_ERRORS = (FileNotFoundError, ReadOnlyStorageError, StorageUnavailable, UnsupportedOperation)


def error_notes(error: Exception) -> list[str]:
    return list(getattr(error, "__notes__", []))


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """All that is logged and signalled."""
    said: list[str] = []

    def hear(**payload: Any) -> None:
        said.append(repr(payload))

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(self.format(record))

    handler, logger = Handler(), logging.getLogger("fallback_storage")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    backend_failed.connect(hear)
    fallback_used.connect(hear)
    try:
        yield said
    finally:
        backend_failed.disconnect(hear)
        fallback_used.disconnect(hear)
        logger.setLevel(level)
        logger.removeHandler(handler)


def test_every_fault_is_told_by_name_and_type(caplog: pytest.LogCaptureFixture) -> None:
    plans = [Plan("fs", faults=[Fault("*", "503")]), Plan("fs", files=["a.txt"])]
    with built(plans) as world, listening() as said:
        assert read(world.storage, "a.txt") == old_content("backend 1", "a.txt")
    told = [words for words in said if "ServerError" in words]
    assert len(told) == 2  # logged and signalled
    assert all("backend 0" in words and "open" in words for words in told)
    assert any("ServerError" in record.getMessage() for record in caplog.records)
    assert SECRET not in caplog.text


_texts = st.text(max_size=20)


@given(_texts, _texts, st.dictionaries(_texts, st.sampled_from(sorted(FAULTS)), max_size=3))
def test_storage_unavailable_travels_without_its_backends_words(
    operation: str, name: str, failures: dict[str, str]
) -> None:
    error = StorageUnavailable(
        operation=operation,
        name=name,
        failures={backend: FAULTS[fault]() for backend, fault in failures.items()},
    )
    pickled = pickle.dumps(error)
    for other in (pickle.loads(pickled), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 - our own
        assert type(other) is StorageUnavailable
        assert (other.operation, other.name) == (operation, name)
        assert other.failures.keys() == failures.keys()
        assert str(other) == str(error)
        assert SECRET not in str(other) + repr(other)
    assert SECRET.encode() not in pickled
    assert SECRET not in repr(pickle.loads(pickled).failures)  # noqa: S301 - our own
