"""``TIMEOUT`` and ``THREADS`` of a backend, through its combined storage."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, Storage

from fallback_storage.backend.adapters import adapter_for
from fallback_storage.backend.backend import Backend
from fallback_storage.combined.base import CombinedStorage
from fallback_storage.errors import BulkheadFull, DeadlineExceeded, UnsupportedOperation
from fallback_storage.outcomes import Outcome
from fallback_storage.resilience.guard import Guard
from fallback_storage.storage import FallbackStorage
from tests.remotes import PATIENCE, Remote, Slow, breaker_of, guard_of, local, pair

SOON = 0.05

READS: dict[str, Callable[[CombinedStorage], object]] = {
    "exists": lambda storage: storage.exists("a.txt"),
    "size": lambda storage: storage.size("a.txt"),
    "get_modified_time": lambda storage: storage.get_modified_time("a.txt"),
    "listdir": lambda storage: storage.listdir(""),
    "open": lambda storage: storage.open("a.txt"),
}


def promoting(first: Storage, second: Storage, **keys: Any) -> FallbackStorage:
    """Two backends, the first with keys of its own, which gets what is read from the second."""
    return FallbackStorage([{"BACKEND": first, "NAME": "first", **keys}, second], promote=True)


def read(storage: CombinedStorage, name: str) -> bytes:
    with storage.open(name) as file:
        content: bytes = file.read()
    return content


def read_until_asked(storage: CombinedStorage, slow: Slow, name: str) -> None:
    """Read until the slow one has begun to answer: on a busy machine it may miss its deadline."""
    slow.asked.clear()
    while not slow.asked.is_set():
        assert read(storage, name) == name.encode()


@pytest.mark.parametrize("operation", READS)
def test_every_read_is_bounded(operation: str) -> None:
    slow = Slow(operation)
    storage = pair(slow, local(), TIMEOUT=SOON)
    with pytest.raises(DeadlineExceeded):
        READS[operation](storage)
    assert guard_of(storage).last_error == "DeadlineExceeded"
    assert guard_of(storage).faults == 1
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
        backend.replace("a.txt", ContentFile(b"a"))
    elif write == "open":
        backend.open_for_writing("a.txt", "wb").close()
    else:
        backend.delete("a.txt")
    assert set(slow.threads) == {threading.current_thread().name}
    assert slow.may_answer.is_set()


def test_a_write_of_a_serial_backend_is_made_by_its_thread_and_is_not_bounded() -> None:
    slow = Slow("save")
    storage = pair(slow, local(), TIMEOUT=SOON, THREADS=1)
    saved: list[str] = []
    save = threading.Thread(
        target=lambda: saved.append(storage.backends[0].replace("a.txt", ContentFile(b"a")))
    )
    save.start()
    save.join(SOON * 3)
    assert save.is_alive()
    with pytest.raises(BulkheadFull):
        storage.backends[0].size("a.txt")
    slow.may_answer.set()
    save.join(PATIENCE)
    assert saved == ["a.txt"]
    assert set(slow.threads) == {"fallback_storage first"}


def test_no_thread_being_free_is_no_fault() -> None:
    slow = Slow("save")
    storage = pair(slow, local(), TIMEOUT=SOON, THREADS=1)
    save = threading.Thread(target=storage.backends[0].replace, args=("a.txt", ContentFile(b"a")))
    save.start()
    for _ in range(6):
        with pytest.raises(BulkheadFull):
            storage.size("a.txt")
    assert breaker_of(storage).state == "closed"
    assert guard_of(storage).faults == 0
    slow.may_answer.set()
    save.join(PATIENCE)


def test_a_reader_waits_for_a_promotion_until_the_deadline_and_the_copy_goes_on() -> None:
    slow, source = Slow("save"), InMemoryStorage()
    source.save("a.txt", ContentFile(b"a.txt"))
    storage = promoting(slow, source, TIMEOUT=SOON)
    read_until_asked(storage, slow, "a.txt")
    slow.may_answer.set()
    with storage.members.locked("a.txt"):  # Which the copy holds until it is done.
        assert slow.files == {"a.txt": b"a.txt"}


def test_a_promotion_that_gets_no_thread_is_not_made_and_the_source_is_read() -> None:
    slow, source = Slow("save"), InMemoryStorage()
    names = ["a.txt", "b.txt", "c.txt"]
    for name in names:
        source.save(name, ContentFile(name.encode()))
    storage = promoting(slow, source, TIMEOUT=SOON, THREADS=2)
    for name in names[:2]:
        read_until_asked(storage, slow, name)
    assert read(storage, "c.txt") == b"c.txt"
    slow.may_answer.set()
    for name in names:
        with storage.members.locked(name):
            pass
    assert set(slow.files) == {"a.txt", "b.txt"}


def test_silence_opens_the_breaker_and_then_costs_nothing() -> None:
    slow = Slow("size")
    storage = pair(slow, local(), TIMEOUT=SOON)
    storage.backends[1].replace("a.txt", ContentFile(b"second"))
    for _ in range(9):
        assert storage.size("a.txt") == 6
    assert len(slow.threads) == 5
    guard = guard_of(storage)
    assert guard.bulkhead is not None
    assert guard.bulkhead.stuck == 5
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

    backend = Backend("bare", adapter_for(Bare()), guard=Guard("bare"))
    with pytest.raises(UnsupportedOperation):
        backend.get_modified_time("a.txt")
    assert backend.guard is not None
    assert backend.guard.calls == 0
    with pytest.raises(NotImplementedError):
        backend.exists("a.txt")
    assert backend.outcome_of(NotImplementedError()) is Outcome.UNSUPPORTED
    assert backend.guard.faults == 0


FORKED = """
import ctypes, os
import django
from django.conf import settings
from django.core.files.base import ContentFile

settings.configure()
django.setup()
from fallback_storage.storage import FallbackStorage
from tests.remotes import Remote

storage = FallbackStorage(
    backends=[{"BACKEND": Remote(), "NAME": "first", "TIMEOUT": 10, "THREADS": 1}, Remote()]
)
assert not storage.exists("a.txt")
child = ctypes.PyDLL(None).fork()  # As uWSGI forks: nothing of Python's is told of it.
if not child:
    name = storage.save("a.txt", ContentFile(b"content"))
    os._exit(0 if storage.exists(name) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
assert not storage.exists("a.txt")
"""


def test_a_storage_that_was_used_before_a_fork_without_hooks_is_used_after_it() -> None:
    command = [sys.executable, "-W", "error", "-c", FORKED]
    done = subprocess.run(command, timeout=60, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_the_url_that_a_class_may_ask_its_server_for_is_bounded_and_not_counted() -> None:
    slow = Slow("url")
    storage = FallbackStorage([{"BACKEND": slow, "TIMEOUT": SOON}])
    with pytest.raises(DeadlineExceeded):
        storage.url("a.txt")
    slow.may_answer.set()
    guard = guard_of(storage)
    assert (guard.calls, guard.faults) == (0, 0)


def test_the_url_of_a_known_class_is_made_by_the_thread_that_asks() -> None:
    threads: list[str] = []

    class Known(InMemoryStorage):
        def url(self, name: str | None) -> str:
            threads.append(threading.current_thread().name)
            return str(super().url(name))

    FallbackStorage([{"BACKEND": Known(base_url="/media/"), "TIMEOUT": SOON}]).url("a.txt")
    assert threads == [threading.current_thread().name]
