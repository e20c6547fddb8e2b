"""One at a time, and nobody waits for a thread that does not exist."""

from __future__ import annotations

import multiprocessing
import threading

from fallback_storage.overlay.flights import Flights


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


def test_a_forked_child_waits_for_nobody() -> None:
    flights = Flights()
    with flights.alone("a"):
        child = multiprocessing.get_context("fork").Process(target=_fly, args=(flights,))
        in_thread = threading.Thread(target=child.start)
        in_thread.start()
        in_thread.join(60)
        child.join(60)
    assert child.exitcode == 0


def _fly(flights: Flights) -> None:
    with flights.alone("a"):
        pass
