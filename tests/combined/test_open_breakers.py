"""A backend whose breaker is open is passed over, and nothing is guessed of what it may hold."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile

from fallback_storage.errors import BreakerOpen
from fallback_storage.storage import FallbackStorage, OverlayStorage
from tests.remotes import breaker_of, local, open_breaker, pair, remote


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
    assert getattr(storage.backends[1], operation)("a.txt")


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
