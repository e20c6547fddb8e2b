"""To build a client takes time that is not its server's: a deadline does not count it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fallback_storage.errors import DeadlineExceeded
from fallback_storage.resilience import bulkhead as module
from fallback_storage.resilience.bulkhead import Bulkhead
from fallback_storage.resilience.call import Recovery

SOON, PATIENCE = 1.0, 60.0


class Client:
    """Built once in each thread, when it may be."""

    def __init__(self) -> None:
        self.may_be_built = threading.Event()
        self.begun = threading.Semaphore(0)
        self.built = 0
        self._thread = threading.local()

    def prepare(self) -> bool:
        if hasattr(self._thread, "is_built"):
            return False
        self._thread.is_built = True
        self.begun.release()
        assert self.may_be_built.wait(PATIENCE)
        self.built += 1
        return True


def pass_a_deadline() -> None:
    """Wait for as long as a deadline is."""
    stuck = threading.Event()
    with pytest.raises(DeadlineExceeded):
        Bulkhead("another", 1).run(lambda: stuck.wait(PATIENCE), SOON)
    stuck.set()


def test_a_cold_bulkhead_answers_everybody() -> None:
    client, bulkhead = Client(), Bulkhead("a", 2)
    recovery = Recovery(prepare=client.prepare)
    with ThreadPoolExecutor(6) as pool:
        answers = [
            pool.submit(bulkhead.run, lambda: threading.get_ident(), SOON, recovery)
            for _ in range(6)
        ]
        for _ in range(2):
            assert client.begun.acquire(timeout=PATIENCE)
        pass_a_deadline()
        client.may_be_built.set()
        assert len({answer.result() for answer in answers}) <= 2
    assert client.built == 2


def test_the_server_has_its_whole_deadline_once_there_is_a_client() -> None:
    client, bulkhead, stuck = Client(), Bulkhead("a", 1), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(
            bulkhead.run, lambda: stuck.wait(PATIENCE), SOON, Recovery(prepare=client.prepare)
        )
        assert client.begun.acquire(timeout=PATIENCE)
        pass_a_deadline()
        client.may_be_built.set()
        with pytest.raises(DeadlineExceeded):
            call.result()
    stuck.set()


def test_a_client_that_takes_for_ever_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PREPARATION", SOON)
    client, bulkhead = Client(), Bulkhead("a", 1)
    with pytest.raises(DeadlineExceeded):
        bulkhead.run(lambda: None, SOON, Recovery(prepare=client.prepare))
    client.may_be_built.set()


def test_what_the_building_raises_is_for_the_call_to_say() -> None:
    def fails() -> bool:
        raise OSError("No such region.")

    assert Bulkhead("a", 1).run(lambda: "answer", PATIENCE, Recovery(prepare=fails)) == "answer"
