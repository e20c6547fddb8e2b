"""An SFTP and an FTP storage bear many threads, and a server that falls silent, with THREADS."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage
from storages.backends.ftp import FTPStorage
from storages.backends.sftpstorage import SFTPStorage

from example.weed import HOST
from fallback_storage.errors import DeadlineExceeded, UnsupportedOperation
from fallback_storage.resilience.bulkhead import Bulkhead
from fallback_storage.storage import FallbackStorage

from .faults import counting_faults, overdue
from .files import put, read
from .ftp import FTPServer
from .sftp import SFTPServer

# FTPStorage drops a connection that it cannot use without closing it.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

THREADS = 8
DEADLINE = 0.8
PATIENCE = 60.0


class Relay:
    """Passes on what a server and its clients say, unless it is frozen; a context manager."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._flows = threading.Event()
        self._flows.set()
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.thaw()
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        for end in (self._listener, *self._ends):
            end.close()

    def freeze(self) -> None:
        """Connections are accepted, nothing is answered."""
        self._flows.clear()

    def thaw(self) -> None:
        self._flows.set()

    def _start(self, work: Callable[..., None], *args: socket.socket) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((HOST, self._port))
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._ends.append(end)
                self._start(self._pass_on, client, server)
                self._start(self._pass_on, server, client)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


class Place:
    """A storage with one connection, through a relay to a server."""

    def __init__(self, storage: Storage, relay: Relay, local: FileSystemStorage) -> None:
        self.storage = storage
        self.relay = relay
        self.local = local

    def combined(self, **keys: Any) -> FallbackStorage:
        remote = {"BACKEND": self.storage, "NAME": "remote", "THREADS": 1, **keys}
        return FallbackStorage(backends=[remote, {"BACKEND": self.local, "NAME": "local"}])


@pytest.fixture(params=["sftp", "ftp"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, local: FileSystemStorage
) -> Iterator[Place]:
    root = tmp_path / "root"
    root.mkdir()
    over = _over_sftp if request.param == "sftp" else _over_ftp
    yield from over(root, tmp_path / "known_hosts", local)
    gc.collect()


def _over_sftp(root: Path, known_hosts: Path, local: FileSystemStorage) -> Iterator[Place]:
    with SFTPServer(root) as server, Relay(server.port) as relay:
        storage = SFTPStorage(
            host=HOST,
            params=server.params | {"port": relay.port},
            root_path="/",
            known_host_file=str(known_hosts),
            base_url="/sftp/",
        )
        yield Place(storage, relay, local)
        storage.close()


def _over_ftp(root: Path, known_hosts: Path, local: FileSystemStorage) -> Iterator[Place]:
    with FTPServer(root) as server, Relay(server.port) as relay:
        location = f"ftp://{server.user}:{server.password}@{HOST}:{relay.port}/"
        storage = FTPStorage(location=location, encoding="utf-8", base_url="/ftp/")
        yield Place(storage, relay, local)
        if storage._connection is not None:
            storage._connection.close()


def bulkhead_of(storage: FallbackStorage) -> Bulkhead:
    guard = storage.backends[0].guard
    assert guard is not None
    assert guard.bulkhead is not None
    return guard.bulkhead


def until(condition: Callable[[], bool]) -> None:
    """Wait until a thread that waits for a real server has come so far."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


# Many threads


class Worker:
    """Fifteen operations on files of its own, and what each came to."""

    def __init__(self, storage: FallbackStorage, number: int) -> None:
        self._storage = storage
        self._directory = f"dir{number}"
        self._content = f"content of {number}".encode() * 500
        self._name = f"{self._directory}/saved.bin"

    def right(self) -> list[bool]:
        """Whether each was right."""
        storage, content, name = self._storage, self._content, self._name
        written = f"{self._directory}/written.bin"
        return [
            put(storage, name, content) == name,
            storage.exists(name),
            storage.size(name) == len(content),
            read(storage, name) == content,
            self._in_pieces(name) == content,
            read(storage, name, "r") == content.decode(),
            not storage.exists(f"{self._directory}/missing"),
            self._write(written),
            read(storage, written) == content,
            storage.locate(written) == "remote",
            sorted(storage.listdir(self._directory)[1]) == ["saved.bin", "written.bin"],
            self._copy(written, name) != name,
            self._delete(name),
            not storage.exists(name),
            storage.size(written) == len(content),
        ]

    def _in_pieces(self, name: str) -> bytes:
        with self._storage.open(name) as file:
            first = file.read(100)
            file.seek(0)
            assert file.read(100) == first
            return bytes(first) + b"".join(iter(lambda: file.read(1000), b""))

    def _write(self, name: str) -> bool:
        with self._storage.open(name, "wb") as file:
            return bool(file.write(self._content) == len(self._content))

    def _delete(self, name: str) -> bool:
        self._storage.delete(name)
        return not self._storage.exists(name)

    def _copy(self, source: str, target: str) -> str:
        with self._storage.open(source) as file:
            copy = self._storage.save(target, file)
        assert read(self._storage, copy) == self._content
        self._storage.delete(copy)
        return copy


@pytest.mark.parametrize("keys", [{}, {"TIMEOUT": 30}])
def test_many_threads_are_answered_rightly(place: Place, keys: dict[str, Any]) -> None:
    storage = place.combined(**keys)
    with ThreadPoolExecutor(THREADS) as threads:
        workers = [Worker(storage, number) for number in range(THREADS)]
        right = [each for of_one in threads.map(Worker.right, workers) for each in of_one]
    assert (sum(right), len(right)) == (120, 120)
    assert not Path(place.local.location).exists()
    assert bulkhead_of(storage).stuck == 0


# Silence

READS: dict[str, Callable[[FallbackStorage], object]] = {
    "exists": lambda storage: storage.exists("dir/a.txt"),
    "size": lambda storage: storage.size("dir/a.txt"),
    "listdir": lambda storage: storage.listdir("dir"),
    "open": lambda storage: storage.open("dir/a.txt"),
}


def thaw(place: Place, storage: FallbackStorage) -> None:
    """Let the server answer, and wait until nobody is stuck."""
    place.relay.thaw()
    until(lambda: not bulkhead_of(storage).stuck)


def test_a_server_that_falls_silent_costs_its_deadline_and_is_used_again(place: Place) -> None:
    put(place.storage, "dir/a.txt", b"remote")
    put(place.local, "local.txt", b"local")
    storage = place.combined(TIMEOUT=DEADLINE, BREAKER=False)
    assert read(storage, "dir/a.txt") == b"remote"
    for call in READS.values():
        place.relay.freeze()
        overdue(partial(call, storage), DEADLINE)
        thaw(place, storage)
        for again in READS.values():
            again(storage)
        assert read(storage, "dir/a.txt") == b"remote"
        assert storage.locate("local.txt") == "local"


def test_a_read_of_an_opened_file_that_falls_silent_ends_at_its_deadline(place: Place) -> None:
    content = bytes(100_000)
    put(place.storage, "dir/a.txt", content)
    storage = place.combined(TIMEOUT=DEADLINE, BREAKER=False)
    with storage.open("dir/a.txt") as file:
        assert file.read(10) == content[:10]
        place.relay.freeze()
        if isinstance(place.storage, FTPStorage):
            assert file.read() == content[10:]  # It came whole.
        else:
            overdue(file.read, DEADLINE)
        thaw(place, storage)
    assert read(storage, "dir/a.txt") == content


def test_a_server_that_lets_nobody_in_is_used_again_when_it_does(place: Place) -> None:
    """Those who were stuck on their way in do not come in between those who follow."""
    put(place.storage, "dir/a.txt", b"remote")
    storage = place.combined(TIMEOUT=DEADLINE, BREAKER=False)
    _disconnect(place.storage)
    place.relay.freeze()
    for call in READS.values():
        overdue(partial(call, storage), DEADLINE)
    place.relay.thaw()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda _: _never_wrong(storage), range(THREADS)))
    until(lambda: not bulkhead_of(storage).stuck)
    assert read(storage, "dir/a.txt") == b"remote"
    assert storage.listdir("dir") == ([], ["a.txt"])


def _never_wrong(storage: FallbackStorage) -> None:
    for _ in range(5):
        with suppress(DeadlineExceeded):
            assert storage.exists("dir/a.txt")
            assert not storage.exists("dir/b.txt")
            assert storage.size("dir/a.txt") == 6
            assert read(storage, "dir/a.txt") == b"remote"
            assert storage.listdir("") == (["dir"], [])


def _disconnect(storage: Any) -> None:
    if isinstance(storage, FTPStorage):
        storage.disconnect()
    else:
        storage.close()
        storage._sftp = None


def test_where_all_are_stuck_the_answer_comes_at_once_and_the_breaker_opens_before(
    place: Place,
) -> None:
    put(place.storage, "dir/a.txt", b"remote")
    put(place.local, "local.txt", b"local")
    storage = place.combined(TIMEOUT=DEADLINE, BREAKER={"failures": 2, "cooldown": 60})
    assert storage.size("dir/a.txt") == 6
    _disconnect(place.storage)
    place.relay.freeze()
    with counting_faults() as faults:
        for _ in range(40):
            assert storage.size("local.txt") == 5
    assert faults == {"DeadlineExceeded": 2, "BreakerOpen": 38}
    place.relay.thaw()
    until(lambda: not bulkhead_of(storage).stuck)
    breaker = storage.backends[0].breaker
    assert breaker is not None
    breaker.reset()
    assert storage.size("dir/a.txt") == 6


def test_a_save_is_not_given_up_however_long_it_takes(place: Place) -> None:
    storage = place.combined(TIMEOUT=DEADLINE, BREAKER=False)
    assert not storage.exists("dir/a.txt")
    place.relay.freeze()
    timer = threading.Timer(DEADLINE * 2, place.relay.thaw)
    timer.start()
    assert storage.backends[0].replace("a.txt", ContentFile(b"saved")) == "a.txt"
    timer.join()
    assert read(storage, "a.txt") == b"saved"
    assert storage.locate("a.txt") == "remote"


def test_times_are_those_that_the_storage_has(place: Place) -> None:
    storage = place.combined()
    put(storage, "a.txt")
    times = (storage.get_accessed_time, storage.get_created_time, storage.get_modified_time)
    for ask in times:
        own = getattr(place.storage, ask.__name__)
        try:
            expected = own("a.txt")
        except NotImplementedError:
            with pytest.raises(UnsupportedOperation):
                ask("a.txt")
        else:
            assert ask("a.txt") == expected
