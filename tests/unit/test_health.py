"""What a backend's calls come to is remembered, and bounds the next: through combined storages."""

from __future__ import annotations

import errno
import gc
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages

from fallback_storage.backend import guards as healths
from fallback_storage.backend.backend import Backend
from fallback_storage.combined.base import CombinedStorage
from fallback_storage.conf import BreakerOptions
from fallback_storage.errors import (
    BreakerOpen,
    DeadlineExceeded,
    NoThreadFree,
    StorageUnavailable,
    UnsupportedOperation,
)
from fallback_storage.outcomes import Outcome, classify
from fallback_storage.resilience.breaker import Breaker
from fallback_storage.resilience.deadline import Pool
from fallback_storage.resilience.guard import Health
from fallback_storage.signals import breaker_changed
from fallback_storage.storage import FallbackStorage, OverlayStorage
from fallback_storage.testing import RemoteFaultyStorage
from tests.django.override import override_storages

from .remotes import (
    PATIENCE,
    Remote,
    Slow,
    breaker_of,
    health_of,
    local,
    open_breaker,
    pair,
    remote,
)

SOON = 0.05
DENIED = PermissionError(errno.EACCES, "denied")


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "fallback_storage")


# What counts


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), True),
        (TimeoutError(), True),
        (StorageUnavailable("nested"), True),
        (ValueError("whatever"), True),
        (FileNotFoundError(errno.ENOENT, "missing"), False),
        (DENIED, False),
        (OSError(errno.ENOSPC, "full"), False),
        (OSError(errno.EMFILE, "too many"), False),
        (NotImplementedError(), False),
        (SuspiciousFileOperation("bad name"), False),
    ],
)
def test_only_what_tells_of_an_outage_counts(error: Exception, counts: bool) -> None:
    backend = remote().stage("size", error=error)
    storage = pair(backend, remote())
    for _ in range(9):
        with pytest.raises(Exception):  # noqa: B017, PT011 - which, others test
            storage.size("a.txt")
    assert (breaker_of(storage).state == "open") is counts
    assert len(backend.called("size")) == (5 if counts else 9)
    health = health_of(storage)
    assert health.faults == (5 if counts else 0)
    assert health.calls == len(backend.calls)
    assert health.last_error == (type(error).__name__ if counts else None)


@pytest.mark.parametrize("error", [FileNotFoundError(), DENIED])
def test_missing_and_denied_are_answers(error: Exception) -> None:
    backend = remote()
    storage = pair(backend, local())
    breaker = breaker_of(storage)
    for _ in range(4):
        breaker.faulted(breaker.permit() or 0)
    backend.stage("size", error=error)
    with pytest.raises(type(error)):
        storage.size("a.txt")
    breaker.faulted(breaker.permit() or 0)
    assert breaker.state == "closed"  # They were not consecutive.


def test_a_full_disk_is_no_answer() -> None:
    backend = remote()
    storage = pair(backend, local())
    breaker = breaker_of(storage)
    for _ in range(4):
        breaker.faulted(breaker.permit() or 0)
    backend.stage("size", error=OSError(errno.ENOSPC, "full"))
    with pytest.raises(OSError, match="full"):
        storage.size("a.txt")
    breaker.faulted(breaker.permit() or 0)
    assert breaker.state == "open"


def test_an_interrupted_call_says_nothing() -> None:
    clock = [0.0]
    health, breaker = health_with_breaker(clock)
    open_health(breaker)
    clock[0] = breaker.seconds_left
    with pytest.raises(KeyboardInterrupt):
        health.ask(interrupted, classify)
    assert breaker.state == "half-open"
    assert not breaker.refuses  # The next call is the probe.
    assert health.ask(lambda: "answer", classify) == "answer"
    assert breaker.state == "closed"


def interrupted() -> None:
    raise KeyboardInterrupt


def health_with_breaker(clock: list[float], **others: Any) -> tuple[Health, Breaker]:
    options = {key: others.pop(key) for key in ("slow_call", "slow_fault") if key in others}
    breaker = Breaker(BreakerOptions(**options), clock=lambda: clock[0], draw=lambda: 0.0)
    return Health("a", breaker=breaker, clock=lambda: clock[0], **others), breaker


def open_health(breaker: Breaker) -> None:
    while breaker.state == "closed":
        breaker.faulted(breaker.permit() or 0)


def refused() -> None:
    raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")


def test_a_fault_that_took_longer_than_five_seconds_opens_at_once() -> None:
    clock = [0.0]
    health, breaker = health_with_breaker(clock)

    def time_out() -> None:
        clock[0] += 5.1
        raise TimeoutError

    with pytest.raises(TimeoutError):
        health.ask(time_out, classify)
    assert breaker.state == "open"
    with pytest.raises(BreakerOpen):
        health.ask(time_out, classify)
    assert clock == [5.1]


def test_without_a_deadline_a_slow_fault_opens_and_with_one_it_need_not() -> None:
    assert breaker_of(pair(remote(), local())).options.slow_fault == 5.0
    assert breaker_of(pair(remote(), local(), TIMEOUT=10)).options.slow_fault is None


def test_the_wait_for_a_thread_is_not_the_backend_s_time() -> None:
    clock = [0.0]
    pool = Pool("a", 1)
    health, breaker = health_with_breaker(clock, pool=pool, slow_call=1.0, slow_fault=1.0)
    take = pool.crew.take

    def take_after_a_while(job: Any) -> None:
        clock[0] += 100
        take(job)

    pool.crew.take = take_after_a_while  # type: ignore[method-assign]
    for _ in range(9):
        assert health.ask(lambda: "answer", classify) == "answer"
        with pytest.raises(ConnectionRefusedError):
            health.ask(refused, classify)
    assert breaker.state == "closed"

    def slowly() -> None:
        clock[0] += 1.1
        refused()

    with pytest.raises(ConnectionRefusedError):
        health.ask(slowly, classify)
    assert breaker.state == "open"


def test_a_call_within_a_call_is_a_part_of_it() -> None:
    health, breaker = health_with_breaker([0.0], pool=Pool("a", 1))
    open_health(breaker)

    def within() -> str:
        return health.ask(lambda: threading.current_thread().name, classify)

    # Neither waits for the one thread, nor is refused by the breaker.
    assert health.ask(within, classify, insist=True) == "fallback_storage a"
    assert health.calls == 1


# Who has one


def test_a_remote_backend_has_a_breaker_unless_told_otherwise() -> None:
    storage = pair(remote(), local())
    assert breaker_of(storage).options == BreakerOptions()
    assert pair(remote(), local(), BREAKER=False).backends[0].health is None
    own = pair(remote(), local(), BREAKER={"failures": 2})
    assert breaker_of(own).options == BreakerOptions(failures=2)


def test_a_local_backend_has_none_unless_told_otherwise(tmp_path: Path) -> None:
    files = FileSystemStorage(tmp_path)
    assert pair(files, remote()).backends[0].health is None
    assert breaker_of(pair(files, remote(), BREAKER=True)).options == BreakerOptions()


@pytest.mark.parametrize("keys", [{}, {"BREAKER": True}, {"BREAKER": {"failures": 1}}])
def test_a_lone_backend_never_has_one(keys: dict[str, Any]) -> None:
    backend = remote().stage("size", error=ConnectionError)
    storage = FallbackStorage(backends=[{"BACKEND": backend, **keys}])
    assert storage.backends[0].health is None
    for _ in range(9):
        with pytest.raises(ConnectionError):
            storage.size("a.txt")
    assert len(backend.called("size")) == 9


def test_a_lone_backend_can_have_a_deadline() -> None:
    storage = FallbackStorage(backends=[{"BACKEND": remote(), "TIMEOUT": 5, "BREAKER": True}])
    health = health_of(storage)
    assert health.timeout == 5
    assert health.breaker is None
    assert health.pool is not None
    assert health.pool.threads == 8


def test_the_numbers_of_threads_and_seconds_are_those_of_the_settings() -> None:
    health = health_of(pair(remote(), local(), THREADS=3, TIMEOUT=2.5))
    assert health.pool is not None
    assert (health.pool.threads, health.timeout) == (3, 2.5)
    assert not health.is_serial
    assert health_of(pair(remote(), local(), THREADS=1)).is_serial
    assert health_of(pair(remote(), local(), THREADS=1)).timeout is None


# While a breaker is open


def test_a_backend_whose_breaker_is_open_is_not_asked() -> None:
    first, second = remote(), local()
    storage = pair(first, second)
    second.save("a.txt", ContentFile(b"second"))
    open_breaker(storage)
    first.forget()
    assert storage.size("a.txt") == 6
    assert storage.exists("a.txt")
    with storage.open("a.txt") as file:
        assert file.read() == b"second"
    assert first.calls == []


def test_what_it_may_hold_is_not_said_to_be_missing() -> None:
    storage = pair(remote(), local())
    open_breaker(storage)
    for ask in (storage.size, storage.exists, storage.open):
        with pytest.raises(BreakerOpen):
            ask("a.txt")


@pytest.mark.parametrize("operation", ["url", "get_valid_name"])
def test_what_needs_no_server_is_answered_all_the_same(operation: str) -> None:
    first = remote()
    storage = OverlayStorage(backends=[local(), first])
    open_breaker(storage, 1)
    assert storage.backends[1].call(operation, "a.txt")


def test_if_every_breaker_is_open_all_are_tried_all_the_same() -> None:
    first, second = remote(), remote()
    storage = pair(first, second)
    second.save("a.txt", ContentFile(b"second"))
    for backend in (0, 1):
        open_breaker(storage, backend)
    first.stage("*", error=ConnectionError)
    first.forget()
    assert storage.size("a.txt") == 6
    assert len(first.calls) == 1
    assert breaker_of(storage, 0).state == "open"
    assert breaker_of(storage, 1).state == "closed"  # It answered.
    assert storage.size("a.txt") == 6
    assert len(first.calls) == 1


def test_a_probe_is_made_whatever_the_breaker_says() -> None:
    first = remote()
    storage = pair(first, local())
    open_breaker(storage)
    storage.backends[0].probe()
    assert breaker_of(storage).state == "closed"
    assert [call.method for call in first.calls] == ["exists"]
    FallbackStorage(backends=[first]).backends[0].probe()
    first.refusing()
    with pytest.raises(ConnectionRefusedError):
        storage.backends[0].probe()


def test_no_credential_is_in_what_is_raised_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    secret = ConnectionError("cannot log in with hunter2")
    storage = pair(remote().stage("size", error=secret), local())
    for _ in range(5):
        with pytest.raises(ConnectionError):
            storage.size("a.txt")
    with pytest.raises(BreakerOpen) as error:
        storage.size("a.txt")
    assert str(error.value) == "first is not asked: its breaker is open after ConnectionError."
    assert "hunter2" not in f"{error.value!r} {error.value.__notes__} {caplog.text}"


def test_a_breaker_that_was_forced_open_says_so_without_a_fault() -> None:
    storage = pair(remote(), local())
    breaker_of(storage).force_open()
    with pytest.raises(BreakerOpen, match=r"first is not asked: its breaker is open\."):
        storage.size("a.txt")


# What is told


@pytest.fixture
def told() -> Iterator[list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []

    def receive(sender: type, signal: object, **event: Any) -> None:
        events.append({"sender": sender, **event})

    breaker_changed.connect(receive)
    yield events
    breaker_changed.disconnect(receive)


def test_each_change_is_signalled_and_logged(
    told: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    first = remote().stage("size", error=ConnectionResetError("hunter2"))
    storage = pair(first, local())
    for _ in range(5):
        with pytest.raises(ConnectionResetError):
            storage.size("a.txt")
    breaker_of(storage).reset()
    breaker_of(storage).force_open()
    sender = RemoteFaultyStorage
    common = {"sender": sender, "backend": "first", "error_type": "ConnectionResetError"}
    assert told == [
        common | {"old": "closed", "new": "open"},
        common | {"old": "open", "new": "closed"},
        common | {"old": "closed", "new": "open"},
    ]
    assert {type(event["old"]) for event in told} == {str}
    lines = [(r.levelname, r.getMessage()) for r in caplog.records if "breaker" in r.getMessage()]
    fault = "(last fault: ConnectionResetError)"
    assert lines[:2] == [
        ("WARNING", f"first: the breaker is open, it was closed {fault}"),
        ("INFO", f"first: the breaker is closed, it was open {fault}"),
    ]
    assert "hunter2" not in caplog.text


def test_without_a_fault_none_is_named(
    told: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    breaker_of(pair(remote(), local())).force_open()
    assert [event["error_type"] for event in told] == [None]
    assert "(last fault: none)" in caplog.text


# Where it is kept

MEMORY = "django.core.files.storage.InMemoryStorage"
REMOTE = f"{Remote.__module__}.Remote"
ALIASES: Mapping[str, Any] = {
    "default": {"BACKEND": MEMORY},
    "staticfiles": {"BACKEND": MEMORY},
    "upper": {"BACKEND": MEMORY},
    "production": {"BACKEND": REMOTE},
    "archive": {"BACKEND": REMOTE},
}


def test_an_alias_has_one_health_in_all_combined_storages() -> None:
    with override_storages(ALIASES):
        one = FallbackStorage(backends=["production", "upper"])
        two = OverlayStorage(backends=["upper", "production"])
        open_breaker(one)
        assert breaker_of(two, 1) is breaker_of(one)
        with pytest.raises(StorageUnavailable) as error:
            two.size("a.txt")
        assert isinstance(error.value.failures["production"], BreakerOpen)


def test_an_alias_that_is_configured_otherwise_has_another() -> None:
    with override_storages(ALIASES):
        one = FallbackStorage(backends=["production", "archive"])
        two = FallbackStorage(backends=[{"BACKEND": "production", "TIMEOUT": 1}, "archive"])
        assert breaker_of(two) is not breaker_of(one)
        assert breaker_of(two, 1) is breaker_of(one, 1)


def test_it_is_kept_when_django_builds_the_storage_again() -> None:
    aliases = dict(ALIASES) | {
        "default": {
            "BACKEND": "fallback_storage.storage.FallbackStorage",
            "OPTIONS": {"backends": ["production", "upper"]},
        }
    }
    with override_storages(aliases):
        open_breaker(combined("default"))
        again = storages.create_storage(aliases["default"])
        assert again is not storages["default"]
        assert isinstance(again, CombinedStorage)
        assert breaker_of(again).state == "open"


def combined(alias: str) -> CombinedStorage:
    storage = storages[alias]
    assert isinstance(storage, CombinedStorage)
    return storage


def of_paths(kind: type[CombinedStorage] = FallbackStorage, **options: Any) -> CombinedStorage:
    entries = [{"BACKEND": REMOTE, "OPTIONS": options}, REMOTE]
    return kind(backends=entries)  # type: ignore[arg-type]


def test_a_dotted_path_has_one_health_per_class_place_and_options() -> None:
    storage = of_paths(location="a")
    open_breaker(storage)
    assert breaker_of(of_paths(location="a")) is breaker_of(storage)
    for other in (of_paths(location="b"), of_paths(OverlayStorage, location="a")):
        assert breaker_of(other).state == "closed"
    assert breaker_of(storage, 1).state == "closed"


def test_it_is_forgotten_when_the_settings_change() -> None:
    storage = of_paths()
    before = breaker_of(storage)
    open_breaker(storage)
    with override_storages(ALIASES):
        assert breaker_of(storage) is not before
        assert breaker_of(storage).state == "closed"


def test_an_instance_has_one_health_for_as_long_as_it_lives() -> None:
    backend = remote()
    one, two = pair(backend, local()), pair(backend, local())
    open_breaker(one)
    assert breaker_of(two) is breaker_of(one)
    kept = len(healths._kept)
    del backend, one, two
    gc.collect()
    assert len(healths._kept) < kept


# Deadlines


READS: dict[str, Callable[[CombinedStorage], object]] = {
    "exists": lambda storage: storage.exists("a.txt"),
    "size": lambda storage: storage.size("a.txt"),
    "get_modified_time": lambda storage: storage.get_modified_time("a.txt"),
    "listdir": lambda storage: storage.listdir(""),
    "open": lambda storage: storage.open("a.txt"),
}


@pytest.mark.parametrize("operation", READS)
def test_every_read_is_bounded(operation: str) -> None:
    slow = Slow(operation)
    storage = pair(slow, local(), TIMEOUT=SOON)
    with pytest.raises(DeadlineExceeded):
        READS[operation](storage)
    assert health_of(storage).last_error == "DeadlineExceeded"
    assert health_of(storage).faults == 1
    slow.may_answer.set()


@pytest.mark.parametrize("operation", READS)
def test_every_read_is_answered_in_a_thread(operation: str) -> None:
    slow = Slow("nothing")
    storage = pair(slow, local(), TIMEOUT=PATIENCE)
    storage.save("a.txt", ContentFile(b"a"))
    slow.threads.clear()
    READS[operation](storage)
    assert set(slow.threads) == {"fallback_storage first"}


@pytest.mark.parametrize("write", ["save", "delete", "open"])
def test_a_write_is_made_by_who_asks_for_it_and_takes_its_time(write: str) -> None:
    slow = Slow(write)
    storage = pair(slow, local(), TIMEOUT=SOON / 10)
    threading.Timer(SOON, slow.may_answer.set).start()
    backend = storage.backends[0]
    if write == "save":
        backend.save("a.txt", ContentFile(b"a"))
    elif write == "open":
        backend.open_for_writing("a.txt", "wb").close()
    else:
        backend.call("delete", "a.txt")
    assert slow.threads == [threading.current_thread().name]
    assert slow.may_answer.is_set()


def test_a_write_of_a_serial_backend_is_made_by_its_thread_and_is_not_bounded() -> None:
    slow = Slow("save")
    storage = pair(slow, local(), TIMEOUT=SOON, THREADS=1)
    saved: list[str] = []
    save = threading.Thread(
        target=lambda: saved.append(storage.backends[0].save("a.txt", ContentFile(b"a")))
    )
    save.start()
    assert slow.asked.wait(PATIENCE)
    save.join(SOON * 3)
    assert save.is_alive()
    with pytest.raises(NoThreadFree):
        storage.backends[0].call("size", "a.txt")
    slow.may_answer.set()
    save.join(PATIENCE)
    assert saved == ["a.txt"]
    assert set(slow.threads) == {"fallback_storage first"}


def test_no_thread_being_free_is_no_fault() -> None:
    slow = Slow("save")
    storage = pair(slow, local(), TIMEOUT=SOON, THREADS=1)
    save = threading.Thread(target=storage.backends[0].save, args=("a.txt", ContentFile(b"a")))
    save.start()
    assert slow.asked.wait(PATIENCE)
    for _ in range(6):
        with pytest.raises(NoThreadFree):
            storage.size("a.txt")
    assert breaker_of(storage).state == "closed"
    assert health_of(storage).faults == 0
    slow.may_answer.set()
    save.join(PATIENCE)


def test_silence_opens_the_breaker_and_then_costs_nothing() -> None:
    slow = Slow("size")
    storage = pair(slow, local(), TIMEOUT=SOON)
    storage.backends[1].save("a.txt", ContentFile(b"second"))
    for _ in range(9):
        assert storage.size("a.txt") == 6
    health = health_of(storage)
    assert health.pool is not None
    assert health.pool.stuck == 5
    slow.may_answer.set()


def test_a_context_variable_of_the_caller_is_seen_by_the_storage() -> None:
    tenant = ContextVar("tenant", default="nobody")
    seen: list[str] = []

    class Tenants(Remote):
        def exists(self, name: str) -> bool:
            seen.append(tenant.get())
            return True

    storage = pair(Tenants(), local(), TIMEOUT=PATIENCE)
    tenant.set("acme")
    assert storage.exists("a.txt")
    assert seen == ["acme"]


def test_an_operation_that_the_storage_does_not_have_is_no_fault() -> None:
    class Bare:
        exists = Storage.exists

    backend = Backend(
        "bare",
        Bare(),  # type: ignore[arg-type]
        read_only=False,
        denied_is_missing=False,
        health=Health("bare"),
    )
    with pytest.raises(UnsupportedOperation):
        backend.call("get_modified_time", "a.txt")
    assert backend.health is not None
    assert backend.health.calls == 0
    with pytest.raises(NotImplementedError):
        backend.call("exists", "a.txt")
    assert backend.outcome_of(NotImplementedError()) is Outcome.UNSUPPORTED
    assert backend.health.faults == 0
