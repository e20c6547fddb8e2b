"""Which backends have a guard, who shares one, for how long, and what it tells."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, storages

from fallback_storage.backend import guards
from fallback_storage.combined.base import CombinedStorage
from fallback_storage.conf import BreakerOptions
from fallback_storage.errors import BreakerOpen, StorageUnavailable
from fallback_storage.signals import breaker_changed
from fallback_storage.storage import FallbackStorage, OverlayStorage
from fallback_storage.testing import RemoteFaultyStorage
from tests.django.override import override_storages
from tests.remotes import PATIENCE, Remote, breaker_of, guard_of, local, open_breaker, pair, remote


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "fallback_storage")


# Who has one


def test_a_remote_backend_has_a_breaker_unless_told_otherwise() -> None:
    storage = pair(remote(), local())
    assert breaker_of(storage).options == BreakerOptions()
    assert pair(remote(), local(), BREAKER=False).backends[0].guard is None
    own = pair(remote(), local(), BREAKER={"failures": 2})
    assert breaker_of(own).options == BreakerOptions(failures=2)


def test_a_local_backend_has_none_unless_told_otherwise(tmp_path: Path) -> None:
    files = FileSystemStorage(tmp_path)
    assert pair(files, remote()).backends[0].guard is None
    assert breaker_of(pair(files, remote(), BREAKER=True)).options == BreakerOptions()


@pytest.mark.parametrize("keys", [{}, {"BREAKER": True}, {"BREAKER": {"failures": 1}}])
def test_a_lone_backend_never_has_one(keys: dict[str, Any]) -> None:
    backend = remote().stage("size", error=ConnectionError)
    storage = FallbackStorage(backends=[{"BACKEND": backend, **keys}])
    assert storage.backends[0].guard is None
    for _ in range(9):
        with pytest.raises(ConnectionError):
            storage.size("a.txt")
    assert len(backend.called("size")) == 9


def test_a_lone_backend_can_have_a_deadline() -> None:
    storage = FallbackStorage(backends=[{"BACKEND": remote(), "TIMEOUT": 5, "BREAKER": True}])
    guard = guard_of(storage)
    assert guard.timeout == 5
    assert guard.breaker is None
    assert guard.bulkhead is not None
    assert guard.bulkhead.threads == 8


def test_the_numbers_of_threads_and_seconds_are_those_of_the_settings() -> None:
    guard = guard_of(pair(remote(), local(), THREADS=3, TIMEOUT=2.5))
    assert guard.bulkhead is not None
    assert (guard.bulkhead.threads, guard.timeout) == (3, 2.5)
    assert not guard.is_serial
    assert guard_of(pair(remote(), local(), THREADS=1)).is_serial
    assert guard_of(pair(remote(), local(), THREADS=1)).timeout is None


def test_without_a_deadline_a_slow_fault_opens_and_with_one_it_need_not() -> None:
    assert breaker_of(pair(remote(), local())).options.slow_fault == 5.0
    assert breaker_of(pair(remote(), local(), TIMEOUT=10)).options.slow_fault is None


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


def of_paths(
    kind: type[CombinedStorage] = FallbackStorage, location: str = "", **keys: Any
) -> CombinedStorage:
    entries = [{"BACKEND": REMOTE, "OPTIONS": {"location": location}, **keys}, REMOTE]
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


def test_an_instance_has_one_guard_for_as_long_as_it_lives() -> None:
    backend = remote()
    open_breaker(pair(backend, local()))
    gc.collect()
    assert breaker_of(pair(backend, local())).state == "open"
    known = set(guards._known)
    del backend
    gc.collect()
    assert len(set(guards._known)) < len(known)


def test_an_alias_has_one_guard_for_as_long_as_django_keeps_its_storage() -> None:
    with override_storages(ALIASES):
        open_breaker(FallbackStorage(backends=["production", "upper"]))
        gc.collect()
        assert breaker_of(OverlayStorage(backends=["upper", "production"]), 1).state == "open"
        known = len(guards._known)
    gc.collect()
    assert len(guards._known) < known


def test_guards_may_be_collected_while_one_is_looked_for() -> None:
    """In Python 3.11 the making of a tuple collects garbage, and crashed in the middle of that."""
    script = """
import gc
from types import SimpleNamespace
from fallback_storage.backend import guards
from fallback_storage.resilience.guard import Guard

options = SimpleNamespace(is_alias=False, source="a.dotted.path")
for _ in range(20):
    gc.disable()
    for number in range(300):
        guard = Guard("a")
        guard.itself = guard
        guards._add(number, guard, options, None)
    gc.set_threshold(1)
    gc.enable()
    del guard
    assert guards._find("nobody") is None
    gc.set_threshold(700)
gc.collect()
assert not guards._known
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_of_short_lived_storages_neither_guards_nor_threads_remain() -> None:
    gc.collect()
    known, running = set(guards._known), set(threading.enumerate())
    storages = [of_paths(location=str(tenant), TIMEOUT=PATIENCE) for tenant in range(100)]
    for storage in storages:
        assert not storage.exists("a.txt")
    threads = set(threading.enumerate()) - running
    assert len(threads) >= 100
    assert len({guard_of(storage) for storage in storages}) == 100
    del storages, storage
    gc.collect()
    assert set(guards._known) <= known
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_threads_that_build_the_same_storage_at_once_share_its_guard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend, others = remote(), list[FallbackStorage]()
    new = guards._new

    def meanwhile(*args: Any) -> Any:
        monkeypatch.setattr(guards, "_new", new)
        others.append(pair(backend, local()))
        assert others[0].backends
        return new(*args)

    monkeypatch.setattr(guards, "_new", meanwhile)
    assert guard_of(pair(backend, local())) is guard_of(others[0])
