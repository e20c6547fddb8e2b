"""Eight threads use storages over an S3 that is killed, frozen and started again at random.

`make soak` does it for ten minutes; SOAK_SECONDS says otherwise.
"""

from __future__ import annotations

import gc
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3Storage

from example.lateness import lateness
from example.seaweedfs import SeaweedFS
from fallback_storage.backend.guards import THREADS
from fallback_storage.combined.base import CombinedStorage
from fallback_storage.resilience import parallel
from fallback_storage.storage import FallbackStorage, OverlayStorage

from .user import User

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
USERS = 8
DEADLINE = 1.0
TOLERANCE = 0.2
# A client that is left alone gives up on its own after this.
PATIENCE = 3.0
PRODUCTION = [(f"picture {number}.jpg", os.urandom(20_000)) for number in range(20)]


@pytest.fixture
def server() -> Iterator[SeaweedFS]:
    with SeaweedFS() as server:
        yield server


def s3(server: SeaweedFS, name: str) -> dict[str, Any]:
    bucket = server.create_bucket(f"{name}-{uuid4()}")
    storage = S3Storage(**server.storage_options(bucket, timeout=PATIENCE))
    breaker = {"cooldown": 0.5, "max_cooldown": 4}
    return {"BACKEND": storage, "NAME": name, "TIMEOUT": DEADLINE, "BREAKER": breaker}


def local(path: Path, name: str) -> dict[str, Any]:
    return {"BACKEND": FileSystemStorage(path / name, base_url="/media/"), "NAME": name}


@contextmanager
def outages(server: SeaweedFS) -> Iterator[list[str]]:
    """Have the server fail and recover, again and again; it is up in the end."""
    over, happened = threading.Event(), list[str]()
    chance = random.Random(0)

    def happen() -> None:
        while not over.wait(chance.uniform(0.5, 4)):
            kind = chance.choice(("kill", "stop", "freeze"))
            happened.append(kind)
            if kind == "freeze":
                server.pause()
            else:
                {"kill": server.kill, "stop": server.stop}[kind]()
            over.wait(chance.uniform(0.5, 6))
            if kind == "freeze":
                server.resume()
            else:
                server.start()

    thread = threading.Thread(target=happen)
    thread.start()
    try:
        yield happened
    finally:
        over.set()
        thread.join()


def resident() -> int:
    """How many bytes of memory this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def threads() -> int:
    return sum(thread.name.startswith("fallback_storage") for thread in threading.enumerate())


def stuck(*storages: CombinedStorage) -> int:
    bulkheads = [b.guard.bulkhead for s in storages for b in s.backends if b.guard is not None]
    return sum(each.stuck for each in bulkheads if each is not None)


@pytest.mark.filterwarnings("default::ResourceWarning")  # Of the connections that a kill cuts off.
def test_no_answer_is_wrong_or_late_while_the_server_comes_and_goes(
    server: SeaweedFS, tmp_path: Path
) -> None:
    media = FallbackStorage(backends=[s3(server, "s3"), local(tmp_path, "local")], delete="all")
    production = s3(server, "production")
    for name, content in PRODUCTION:
        production["BACKEND"].save(name, ContentFile(content))
    overlay = OverlayStorage(backends=[local(tmp_path, "upper"), production])
    users = [User(number, media, overlay, PRODUCTION) for number in range(USERS)]
    end = time.monotonic() + SECONDS
    # Each thread has had a client of its own by then, and every size of file was seen.
    memory, settled = [0], threading.Timer(SECONDS / 4, lambda: memory.__setitem__(0, resident()))
    settled.start()
    with outages(server) as happened, lateness() as late:
        at_work = [
            threading.Thread(target=user.run, args=(lambda: time.monotonic() < end,))
            for user in users
        ]
        for thread in at_work:
            thread.start()
        for thread in at_work:
            thread.join()
    tallies = [user.tally for user in users]
    seconds, operation = max(tally.slowest for tally in tallies)
    report(happened, users, late.seconds, memory[0])
    assert not [wrong for tally in tallies for wrong in tally.wrong]
    assert sum(tally.answered for tally in tallies) > 50
    assert seconds <= DEADLINE + TOLERANCE + late.seconds, operation
    deadline = time.monotonic() + 10 * PATIENCE
    while stuck(media, overlay) and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    assert stuck(media, overlay) == 0
    assert threads() <= 2 * THREADS + parallel.THREADS
    gc.collect()
    assert resident() < memory[0] * 1.25 + 20_000_000


def report(happened: list[str], users: list[User], late: float, memory: int) -> None:
    tallies = [user.tally for user in users]
    seconds, operation = max(tally.slowest for tally in tallies)
    print(
        f"\n{SECONDS:g} s, {USERS} threads, {len(happened)} outages:"
        f" {sum(tally.answered for tally in tallies)} answers,"
        f" {sum(tally.unavailable for tally in tallies)} times unavailable,"
        f" {sum(len(tally.wrong) for tally in tallies)} wrong;"
        f" the slowest read took {seconds:.2f} s ({operation}), with a deadline of {DEADLINE:g} s"
        f" on a machine that was late by {late:.2f} s at worst; {threads()} threads;"
        f" {memory / 1e6:.0f} MB after a quarter, {resident() / 1e6:.0f} MB at the end."
    )
