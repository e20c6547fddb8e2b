"""One at a time, and nobody waits for a thread that does not exist."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from fallback_storage.locks import Flights
from fallback_storage.resilience.bulkhead import Bulkhead


def test_others_wait_for_a_key_and_not_for_another() -> None:
    flights, order = Flights(), list[str]()
    began = threading.Event()

    def follow() -> None:
        began.set()
        with flights.alone("a"):
            order.append("second")

    thread = threading.Thread(target=follow)
    with flights.alone("a"):
        thread.start()
        assert began.wait(60)
        with flights.alone("b"):
            order.append("first")
    thread.join(60)
    assert order == ["first", "second"]


def test_the_same_thread_does_not_wait_for_itself() -> None:
    flights = Flights()
    with flights.alone("a"), flights.alone("a"):
        pass


def test_a_call_that_goes_on_in_another_thread_does_not_wait_for_itself() -> None:
    """A storage with a deadline is read by a thread of its own, and may promote as well."""
    flights, bulkhead = Flights(), Bulkhead("inner", 1)

    def again() -> str:
        with flights.alone("a"):
            return "read"

    with flights.alone("a"):
        assert bulkhead.run(again, 60) == "read"


def test_a_forked_child_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread at work does not exist there, and would never be done."""
    in_child: list[Callable[[], None]] = []
    monkeypatch.setattr(
        os, "register_at_fork", lambda after_in_child: in_child.append(after_in_child)
    )
    flights, done = Flights(), threading.Event()

    def fly() -> None:
        with flights.alone("a"):
            done.set()

    with flights.alone("a"):
        in_child[0]()
        thread = threading.Thread(target=fly)
        thread.start()
        assert done.wait(60)
        thread.join(60)
