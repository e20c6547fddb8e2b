"""How the backends of the combined storages fare in this process."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, cast

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InMemoryStorage, storages

from fallback_storage.backend.backend import Backend
from fallback_storage.conf import BreakerOptions
from fallback_storage.resilience.breaker import Breaker
from fallback_storage.status import BackendStatus, status
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage

from .override import override_storages

FALLBACK = "fallback_storage.storage.FallbackStorage"
FILES = "django.core.files.storage.FileSystemStorage"

Configure = Callable[..., None]


@pytest.fixture
def configure(uploads: FaultyStorage, production: RemoteFaultyStorage) -> Iterator[Configure]:
    """Make the default storage one of uploads, then production with the keys that are given."""
    overrides = []

    def configure(others: Any = None, **keys: Any) -> None:
        backend = {"BACKEND": production, "NAME": "production", "READ_ONLY": True, **keys}
        default = {"BACKEND": FALLBACK, "OPTIONS": {"backends": [uploads, backend]}}
        overrides.append(override_storages({"default": default, **(others or {})}))
        overrides[-1].enable()

    yield configure
    for override in overrides:
        override.disable()


def backend() -> Backend:
    return cast(FallbackStorage, storages["default"]).backends[1]


def told(probe: bool = False) -> BackendStatus:
    """What is told of production."""
    (default,) = status(probe, ["default"])
    return default.backends[1]


def ask(times: int = 1) -> None:
    for _ in range(times):
        try:
            storages["default"].exists("a.txt")
        except OSError:
            pass


def test_it_tells_what_each_backend_is(configure: Configure) -> None:
    configure(TIMEOUT=2, THREADS=3)
    (default,) = status()
    uploads, production = default.backends
    assert (default.alias, default.storage, default.error) == ("default", FALLBACK, None)
    assert (uploads.name, uploads.mode) == ("FaultyStorage", "writable")
    assert uploads.storage == "fallback_storage.testing.faulty.FaultyStorage"
    assert (production.name, production.mode) == ("production", "read-only")
    assert (production.threads, production.timeout, production.stuck) == (3, 2.0, 0)


def test_of_a_backend_that_nobody_counts_it_tells_nothing(configure: Configure) -> None:
    configure()
    uploads = status()[0].backends[0]
    assert (uploads.breaker, uploads.calls, uploads.faults, uploads.stuck) == (None,) * 4
    assert (uploads.threads, uploads.timeout, uploads.seconds_left, uploads.probe) == (None,) * 4
    assert uploads.is_healthy


def test_it_counts_calls_and_faults(configure: Configure, production: RemoteFaultyStorage) -> None:
    configure()
    ask()
    production.refusing()
    ask()
    assert (told().calls, told().faults) == (2, 1)
    assert (told().breaker, told().last_error) == ("closed", "ConnectionRefusedError")
    assert told().is_healthy


def test_an_open_breaker_is_not_healthy(
    configure: Configure, production: RemoteFaultyStorage
) -> None:
    configure(BREAKER={"failures": 2, "cooldown": 100, "jitter": 0})
    production.refusing()
    ask(times=2)
    assert told().breaker == "open"
    assert 0 < cast(float, told().seconds_left) <= 100
    assert not told().is_healthy
    assert not status()[0].is_healthy


def test_a_breaker_that_was_forced_open_has_no_end(configure: Configure) -> None:
    configure()
    cast(Breaker, backend().breaker).force_open()
    assert (told().breaker, told().seconds_left) == ("open", None)


def test_a_half_open_breaker_is_not_healthy(configure: Configure) -> None:
    configure()
    now = 0.0
    breaker = Breaker(BreakerOptions(failures=1), clock=lambda: now)
    cast(Any, backend().guard).breaker = breaker
    breaker.faulted(cast(int, breaker.permit()))
    now = 100.0
    breaker.permit()
    assert (told().breaker, told().seconds_left) == ("half-open", None)
    assert not told().is_healthy


def test_it_counts_stuck_calls(configure: Configure, production: RemoteFaultyStorage) -> None:
    configure(TIMEOUT=0.05)
    answering = threading.Event()
    production.stage("exists", delay=answering.wait)
    try:
        ask()
        assert told().stuck == 1
    finally:
        answering.set()
    assert told().last_error == "DeadlineExceeded"


def test_without_a_probe_nobody_is_asked(
    configure: Configure, production: RemoteFaultyStorage
) -> None:
    configure()
    assert told().probe is None
    assert production.calls == []


def test_a_probe_is_one_question(configure: Configure, production: RemoteFaultyStorage) -> None:
    configure()
    probe = told(probe=True).probe
    assert probe
    assert (probe.outcome, probe.error_type, probe.is_healthy) == ("answer", None, True)
    assert probe.seconds > 0
    assert [call.method for call in production.calls] == ["exists"]


@pytest.mark.parametrize(
    ("error", "outcome", "healthy"),
    [
        (FileNotFoundError(), "missing", True),
        (NotImplementedError(), "unsupported", True),
        (PermissionError(), "denied", False),
        (ConnectionResetError("s3cr3t"), "unreachable", False),
        (TypeError("s3cr3t"), "rejected", False),
    ],
)
def test_a_probe_tells_what_a_read_would_meet(
    error: Exception,
    outcome: str,
    healthy: bool,
    configure: Configure,
    production: RemoteFaultyStorage,
) -> None:
    configure()
    production.stage("exists", error=error)
    production_status = told(probe=True)
    probe = production_status.probe
    assert probe
    assert (probe.outcome, probe.error_type) == (outcome, type(error).__name__)
    assert (probe.is_healthy, production_status.is_healthy) == (healthy, healthy)
    assert "s3cr3t" not in str(production_status)


def test_a_probe_that_comes_back_well_closes_an_open_breaker(
    configure: Configure, production: RemoteFaultyStorage
) -> None:
    configure(BREAKER={"failures": 1, "cooldown": 100})
    production.refusing()
    ask()
    production.heal()
    assert told().breaker == "open"
    assert told(probe=True).breaker == "closed"


def test_a_storage_that_cannot_be_built_is_told_of(configure: Configure) -> None:
    configure({"broken": {"BACKEND": FALLBACK, "OPTIONS": {"backends": ["gone"]}}})
    default, broken = status()
    assert default.is_healthy
    assert (broken.alias, broken.storage, broken.backends) == ("broken", FALLBACK, ())
    assert broken.error == "ImproperlyConfigured"
    assert not broken.is_healthy


@pytest.mark.parametrize("entry", [{"BACKEND": "no.such.Storage"}, {}, None])
def test_what_may_be_a_combined_storage_is_not_passed_over(
    entry: Any, configure: Configure
) -> None:
    configure({"broken": entry})
    assert [each.alias for each in status() if each.error] == ["broken"]


@pytest.mark.parametrize("path", [FILES, "tests.django.test_status.make_storage"])
def test_other_storages_are_passed_over(path: str, configure: Configure) -> None:
    configure({"uploads": {"BACKEND": path}})
    assert [each.alias for each in status()] == ["default"]


def make_storage() -> InMemoryStorage:
    """A storage as a function makes it, which ``STORAGES`` takes too."""
    raise AssertionError("Nobody needs it.")


def test_chosen_storages_are_told_of_once_and_in_order(configure: Configure) -> None:
    configure({"other": {"BACKEND": FALLBACK, "OPTIONS": {"backends": [FILES]}}})
    found = status(storages=["other", "default", "other"])
    assert [each.alias for each in found] == ["other", "default"]


@pytest.mark.parametrize("alias", ["defalt", "uploads"])
def test_an_alias_that_is_no_combined_storage_is_an_error(
    alias: str, configure: Configure
) -> None:
    configure({"uploads": {"BACKEND": FILES}})
    with pytest.raises(ImproperlyConfigured, match=f"{alias}.*Known: default"):
        status(storages=[alias])


def test_it_becomes_json(configure: Configure, production: RemoteFaultyStorage) -> None:
    configure()
    production.refusing()
    cast(Breaker, backend().breaker).force_open()
    (default,) = json.loads(json.dumps([asdict(each) for each in status(probe=True)]))
    assert default["backends"][1]["probe"]["outcome"] == "unreachable"
