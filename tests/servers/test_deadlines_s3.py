"""A dead S3 is waited for as long as was said, and no longer asked: over a real server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3Storage

from example.seaweedfs import REGION, SeaweedFS, client_config
from example.weed import HOST
from fallback_storage.errors import BreakerOpen, DeadlineExceeded
from fallback_storage.resilience.bulkhead import Bulkhead
from fallback_storage.storage import FallbackStorage

from .conftest import MakeS3
from .faults import counting_faults, overdue
from .files import put, read
from .requests import counting
from .test_s3_outage import at_the_first_byte

DEADLINE = 0.8
PATIENCE = 60.0

READS: dict[str, Callable[[FallbackStorage], object]] = {
    "exists": lambda storage: storage.exists("s3.txt"),
    "size": lambda storage: storage.size("s3.txt"),
    "get_modified_time": lambda storage: storage.get_modified_time("s3.txt"),
    "listdir": lambda storage: storage.listdir(""),
    "open": lambda storage: storage.open("s3.txt"),
    "locate": lambda storage: storage.locate("s3.txt"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[SeaweedFS]:
    """A server to be frozen and stopped; each test leaves it running."""
    with SeaweedFS() as server:
        server.create_bucket("bucket")
        yield server


@pytest.fixture
def s3(server: SeaweedFS, make_s3: MakeS3) -> S3Storage:
    """A storage whose client is patient."""
    return make_s3("bucket", server, client_config=client_config(30.0))


@pytest.fixture
def black_hole() -> Iterator[S3Storage]:
    """An S3 that lets nobody connect, and does not say so."""
    with socket.create_server((HOST, 0), backlog=0) as listener, ExitStack() as callers:
        for _ in range(3):  # Nobody takes their calls, and so there is no room for another.
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield S3Storage(
            endpoint_url=f"http://{HOST}:{listener.getsockname()[1]}",
            region_name=REGION,
            bucket_name="bucket",
            access_key="key",
            secret_key="secret",
            security_token="",
            client_config=client_config(5.0),
        )


def bounded(s3: S3Storage, local: FileSystemStorage, **keys: Any) -> FallbackStorage:
    first = {"BACKEND": s3, "NAME": "s3", "TIMEOUT": DEADLINE, **keys}
    return FallbackStorage(backends=[first, {"BACKEND": local, "NAME": "local"}])


def bulkhead_of(storage: FallbackStorage) -> Bulkhead:
    guard = storage.backends[0].guard
    assert guard is not None
    assert guard.bulkhead is not None
    return guard.bulkhead


def warm(storage: FallbackStorage) -> None:
    """Have its client built, which the first call need not wait for."""
    until(lambda: succeeds(lambda: storage.backends[0].exists("s3.txt")))
    until(lambda: not bulkhead_of(storage).stuck)


def succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except OSError:
        return False
    return True


def until(condition: Callable[[], bool]) -> None:
    """Wait until a real server, or a thread that waits for one, has come so far."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def frozen(server: SeaweedFS) -> Iterator[None]:
    server.pause()
    try:
        yield
    finally:
        server.resume()


def test_of_a_frozen_server_every_read_ends_at_its_deadline(
    server: SeaweedFS, s3: S3Storage, local: FileSystemStorage
) -> None:
    put(s3, "s3.txt", b"s3")
    put(local, "local.txt", b"local")
    storage = bounded(s3, local, BREAKER=False)
    warm(storage)
    with frozen(server):
        for call in READS.values():
            overdue(partial(call, storage), DEADLINE)
        assert read(storage, "local.txt") == b"local"
        assert bulkhead_of(storage).stuck == len(READS) + 1
        overdue(lambda: storage.size("s3.txt"), DEADLINE)
        # Now there is no thread left that could wait, and nobody waits for one.
        for call in READS.values():
            with pytest.raises(DeadlineExceeded, match="every thread waits"):
                call(storage)
        assert storage.size("local.txt") == 5
    until(lambda: not bulkhead_of(storage).stuck)
    warm(storage)
    assert read(storage, "s3.txt") == b"s3"
    assert storage.locate("s3.txt") == "s3"


def test_of_a_black_hole_every_read_ends_at_its_deadline(
    black_hole: S3Storage, local: FileSystemStorage
) -> None:
    storage = bounded(black_hole, local, BREAKER=False)
    for call in READS.values():
        overdue(partial(call, storage), DEADLINE)


@pytest.mark.parametrize("outage", ["frozen", "black hole"])
def test_a_silent_server_costs_as_many_deadlines_as_open_its_breaker(
    outage: str,
    server: SeaweedFS,
    s3: S3Storage,
    black_hole: S3Storage,
    local: FileSystemStorage,
) -> None:
    silent = black_hole if outage == "black hole" else s3
    storage = bounded(silent, local, BREAKER={"failures": 3, "cooldown": 100})
    if outage == "frozen":
        warm(storage)
    for number in range(40):
        put(local, f"page/{number}.txt", b"local")
    with frozen(server):
        with counting_faults() as faults:
            for number in range(40):
                assert storage.size(f"page/{number}.txt") == 5
        assert faults == {"DeadlineExceeded": 3, "BreakerOpen": 37}
        breaker = storage.backends[0].breaker
        assert breaker is not None
        assert breaker.state == "open"
        with pytest.raises(BreakerOpen):
            storage.exists("s3.txt")


def test_a_server_that_thaws_is_asked_again_after_the_cool_down(
    server: SeaweedFS, s3: S3Storage, local: FileSystemStorage
) -> None:
    put(s3, "thawed.txt", b"s3")
    storage = bounded(s3, local, BREAKER={"failures": 2, "cooldown": 0.3, "max_cooldown": 0.3})
    warm(storage)
    breaker = storage.backends[0].breaker
    assert breaker is not None
    with frozen(server):
        for _ in range(2):
            overdue(lambda: storage.size("thawed.txt"), DEADLINE)
        until(lambda: not breaker.refuses)
        overdue(lambda: storage.size("thawed.txt"), DEADLINE)  # The probe.
        assert breaker.state == "open"
    until(lambda: succeeds(lambda: storage.size("thawed.txt")))
    assert breaker.state == "closed"
    assert read(storage, "thawed.txt") == b"s3"
    until(lambda: not bulkhead_of(storage).stuck)


def test_a_server_that_is_gone_is_asked_no_more_and_again_when_it_is_back(
    server: SeaweedFS, s3: S3Storage, local: FileSystemStorage
) -> None:
    put(s3, "back.txt", b"s3")
    put(local, "local.txt", b"local")
    storage = FallbackStorage(
        backends=[
            {"BACKEND": s3, "NAME": "s3", "BREAKER": {"cooldown": 3, "max_cooldown": 3}},
            {"BACKEND": local, "NAME": "local"},
        ]
    )
    breaker = storage.backends[0].breaker
    assert breaker is not None
    assert storage.size("back.txt") == 2
    server.kill()
    try:
        with counting(s3) as requests:
            for _ in range(5):
                assert storage.size("local.txt") == 5
            assert requests.total == 5
            assert breaker.state == "open"
            assert storage.size("local.txt") == 5
        assert requests.total == 5
    finally:
        server.start()
    until(lambda: succeeds(lambda: storage.size("back.txt")))
    assert breaker.state == "closed"
    assert storage.locate("back.txt") == "s3"


def test_a_save_is_not_given_up_however_long_it_takes(
    server: SeaweedFS, s3: S3Storage, local: FileSystemStorage
) -> None:
    storage = bounded(s3, local)
    warm(storage)
    storage.save("first.txt", ContentFile(b"content"))  # This thread's own client, too.
    with frozen(server):
        thaw = threading.Timer(DEADLINE * 2, server.resume)
        thaw.start()
        started = time.monotonic()
        put(storage, "saved.txt", b"content")
        assert time.monotonic() - started > DEADLINE
        thaw.join()
    assert read(s3, "saved.txt") == b"content"
    assert not local.exists("saved.txt")


def test_a_download_takes_its_time_once_the_file_is_there(
    server: SeaweedFS, s3: S3Storage, local: FileSystemStorage
) -> None:
    put(s3, "large.bin", bytes(12 * 1024 * 1024))
    storage = bounded(s3, local)
    warm(storage)
    with storage.open("large.bin") as file, ExitStack() as after:
        thaw = threading.Timer(DEADLINE * 2, server.resume)
        after.callback(thaw.join)
        after.callback(server.resume)

        def freeze() -> None:
            server.pause()
            thaw.start()

        with at_the_first_byte(s3, freeze):
            assert len(file.read()) == 12 * 1024 * 1024


def test_a_cold_process_answers_every_thread(server: SeaweedFS, make_s3: MakeS3) -> None:
    may_go_on, begun = threading.Event(), threading.Semaphore(0)

    class Slow(S3Storage):  # type: ignore[misc]
        def _create_session(self) -> Any:
            begun.release()
            assert may_go_on.wait(PATIENCE)
            return super()._create_session()

    put(make_s3("bucket", server), "s3.txt", b"content")
    options = make_s3("bucket", server)._constructor_args[1]
    backend = {"BACKEND": Slow(**options), "NAME": "s3", "TIMEOUT": 5, "BREAKER": {"failures": 1}}
    storage = FallbackStorage(backends=[backend, FileSystemStorage("/nowhere")])
    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(storage.size, "s3.txt") for _ in range(16)]
        for _ in range(8):
            assert begun.acquire(timeout=PATIENCE)
        may_go_on.set()
        assert [answer.result() for answer in answers] == [7] * 16
    assert storage.backends[0].breaker.state == "closed"  # type: ignore[union-attr]
