"""Many threads, several processes, and a memory of what is missing."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from fallback_storage import negative_cache
from fallback_storage.http import HTTPStorage, UnexpectedAnswer

from .conftest import MakeHTTP
from .site import Request, Site
from .test_http_faults import Clock
from .test_http_trust import probes

THREADS = 16
forking = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork"),
    # That is what is tested.
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]


def read(storage: HTTPStorage, name: str) -> bytes:
    with storage.open(name) as file:
        return bytes(file.read())


def in_child(work: Callable[[], bytes]) -> bytes:
    """Return what `work` returns in a child of this process, or its error's text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, work())
        except BaseException as error:
            os.write(writer, repr(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as result:
        answer = result.read()
    os.waitpid(child, 0)
    return answer


def test_threads_get_each_their_own_file(site: Site, make_http: MakeHTTP) -> None:
    storage = make_http(probe=True)
    site.files = {f"{n}.jpg": b"%d" % n * 10_000 for n in range(THREADS)}
    barrier = threading.Barrier(THREADS)

    def work(number: int) -> bool:
        barrier.wait(60)
        name = f"{number}.jpg"
        return all(read(storage, name) == site.files[name] for _ in range(5))

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(work, range(THREADS)))
    assert len(probes(site)) == 1
    assert len(site.asked) == THREADS * 5 + 1


def test_threads_wait_for_the_random_name_no_longer_than_their_deadline(
    site: Site, make_http: MakeHTTP
) -> None:
    clock, this = Clock(), threading.get_ident()
    storage = make_http(
        probe=True,
        clock=lambda: clock() if threading.get_ident() == this else 0.0,
        deadline=30,
        read_timeout=60,
    )
    site.files |= {"a": b"a", "b": b"b"}
    asking, answer_now = threading.Event(), threading.Event()

    def answer(request: Request) -> None:
        if request.name == "b":
            clock.now += 29.9  # A tenth of a second is left to this thread.
        if request.name not in site.files:
            asking.set()
            answer_now.wait(60)
        site.serve(request)

    site.answer = answer
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(storage.exists, "a")
        assert asking.wait(60)
        with pytest.raises(TimeoutError, match="'b' took longer"):
            storage.exists("b")
        answer_now.set()
        assert first.result()


def test_threads_before_a_page_for_everything_all_notice(site: Site, make_http: MakeHTTP) -> None:
    site.says(200)
    storage = make_http(probe=True)

    def work(number: int) -> bool:
        with pytest.raises(UnexpectedAnswer):
            storage.exists(f"{number}.jpg")
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(work, range(THREADS)))


class TestFork:
    pytestmark = forking

    def test_a_child_has_connections_of_its_own(self, site: Site, make_http: MakeHTTP) -> None:
        site.files = {"a": b"a" * 100_000, "b": b"b" * 100_000}
        storage = make_http()
        assert read(storage, "a") == site.files["a"]
        assert in_child(lambda: read(storage, "b")) == site.files["b"]
        assert site.connections == 2
        assert read(storage, "a") == site.files["a"]
        assert site.connections == 2

    def test_a_child_of_a_process_that_is_asking_does_not_wait_for_it(
        self, site: Site, make_http: MakeHTTP
    ) -> None:
        site.files["a"] = b"a"
        storage = make_http(probe=True)
        asking, answer_now = threading.Event(), threading.Event()

        def answer(request: Request) -> None:
            if request.name not in site.files and not asking.is_set():
                asking.set()
                answer_now.wait(60)
            site.serve(request)

        site.answer = answer
        with ThreadPoolExecutor(1) as pool:
            parents = pool.submit(read, storage, "a")
            assert asking.wait(60)
            assert in_child(lambda: read(storage, "a")) == b"a"
            answer_now.set()
            assert parents.result() == b"a"
        assert len(probes(site)) == 2


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_missing_is_asked_for_once(site: Site, make_http: MakeHTTP, status: int) -> None:
    site.says(status)
    storage = make_http()
    for _ in range(3):
        assert not storage.exists("a")
        for call in (storage.open, storage.size, storage.get_modified_time):
            with pytest.raises(FileNotFoundError, match="'a'"):
                call("a")
    assert len(site.asked) == 1


def test_what_is_missing_is_asked_for_again_later(site: Site, make_http: MakeHTTP) -> None:
    clock = Clock()
    storage = make_http(clock=clock, missing_ttl=60)
    assert not storage.exists("a")
    site.files["a"] = b"a"
    clock.now += 59.9
    assert not storage.exists("a")
    clock.now += 0.1
    assert storage.exists("a")
    assert len(site.asked) == 2


def test_without_missing_ttl_nothing_is_remembered(site: Site, make_http: MakeHTTP) -> None:
    storage = make_http(missing_ttl=0)
    assert not storage.exists("a")
    site.files["a"] = b"a"
    assert storage.exists("a")


def test_what_is_there_is_not_remembered(site: Site, make_http: MakeHTTP) -> None:
    site.files["a"] = b"a"
    storage = make_http()
    assert storage.exists("a")
    del site.files["a"]
    assert not storage.exists("a")


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_what_could_not_be_answered_is_not_remembered(
    site: Site, make_http: MakeHTTP, status: int
) -> None:
    site.files["a"] = b"a"
    storage = make_http()
    site.says(status)
    with pytest.raises(OSError, match=str(status)):
        storage.open("a")
    site.answer = site.serve
    assert storage.exists("a")


def test_the_memory_is_bounded_and_forgets_the_oldest(
    site: Site, make_http: MakeHTTP, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(negative_cache, "MAX_NAMES", 2)
    storage = make_http()
    for name in ("a", "b", "c"):
        assert not storage.exists(name)
    site.files = {"a": b"", "b": b"", "c": b""}
    assert [storage.exists(name) for name in ("a", "b", "c")] == [True, False, False]
