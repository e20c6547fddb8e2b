"""FallbackStorage over a real SFTP server: a storage that opens lazily and hides errors."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from paramiko import SSHException
from storages.backends.sftpstorage import SFTPStorage

from example.weed import HOST
from fallback_storage.backend.adapters import adapter_for
from fallback_storage.errors import StorageUnavailable, UnsupportedOperation
from fallback_storage.storage import OverlayStorage

from .files import fallback, put, read
from .remote_suite import ConnectedSuite
from .sftp import SFTPServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SFTPServer]:
    root = tmp_path / "sftp"
    root.mkdir()
    with SFTPServer(root) as running:
        yield running


@pytest.fixture
def sftp(server: SFTPServer, tmp_path: Path) -> Iterator[SFTPStorage]:
    storage = SFTPStorage(**connection(server, tmp_path), base_url="/sftp/")
    yield storage
    storage.close()


def connection(server: SFTPServer, tmp_path: Path) -> dict[str, Any]:
    known_hosts = str(tmp_path / "known_hosts")
    return {
        "host": HOST,
        "params": server.params,
        "root_path": "/",
        "known_host_file": known_hosts,
    }


@pytest.fixture
def remote(sftp: SFTPStorage) -> SFTPStorage:
    return sftp


@pytest.fixture
def own_remote(server: SFTPServer, tmp_path: Path) -> Iterator[OwnSFTPStorage]:
    own = OwnSFTPStorage(**connection(server, tmp_path))
    yield own
    own.close()


class TestSFTP(ConnectedSuite):
    pass


def test_a_missing_file_does_not_cost_the_connection(
    server: SFTPServer, sftp: SFTPStorage, local: FileSystemStorage
) -> None:
    put(local, "a.txt")
    storage = fallback(sftp=sftp, local=local)
    for _ in range(3):
        assert read(storage, "a.txt") == b"content"
        assert storage.size("a.txt") == 7
        with pytest.raises(UnsupportedOperation):
            fallback(sftp=sftp).get_created_time("a.txt")
    assert server.connections == 1


# Refusing


@pytest.mark.parametrize("policy", ["first", "all"])
def test_a_delete_that_is_refused_is_an_error(
    policy: str, server: SFTPServer, sftp: SFTPStorage
) -> None:
    put(sftp, "a.txt")
    storage = fallback(sftp=sftp, options={"delete": policy})
    server.refuses = {"remove"}
    with pytest.raises(OSError, match="not deleted") as error:
        storage.delete("a.txt")
    assert not isinstance(error.value, FileNotFoundError)
    assert read(storage, "a.txt") == b"content"
    server.refuses = set()
    storage.delete("a.txt")
    assert not storage.exists("a.txt")


def test_a_read_that_is_refused_is_not_absence(
    server: SFTPServer, sftp: SFTPStorage, local: FileSystemStorage
) -> None:
    put(sftp, "a.txt")
    server.refuses = {"open", "stat"}
    storage = fallback(sftp=sftp, local=local)
    for ask in (storage.open, storage.size, storage.exists):
        with pytest.raises(PermissionError):
            ask("a.txt")
    lenient = fallback(sftp=sftp, local=local, denied_is_missing=["sftp"])
    with pytest.raises(PermissionError):  # Only a 403 of HTTP can mean that.
        lenient.exists("a.txt")
    put(local, "a.txt", b"local")
    assert read(storage, "a.txt") == b"local"


def test_a_save_that_breaks_off_leaves_no_partial_file(
    server: SFTPServer, sftp: SFTPStorage, local: FileSystemStorage
) -> None:
    content = os.urandom(500_000)
    storage = fallback(sftp=sftp, local=local)
    server.disk_full_after = 100_000
    name = storage.save("dir/a.bin", ContentFile(content))
    assert storage.locate(name) == "local"
    assert read(storage, name) == content
    assert sftp.listdir("dir") == ([], [])


# Going away


def test_an_outage_is_not_absence(
    server: SFTPServer, sftp: SFTPStorage, local: FileSystemStorage
) -> None:
    put(sftp, "sftp.txt")
    put(local, "local.txt")
    server.stop()
    for storage in (fallback(sftp=sftp, local=local), fallback(local=local, sftp=sftp)):
        for ask in (storage.open, storage.size, storage.exists, storage.listdir):
            with pytest.raises(Exception) as error:  # noqa: PT011 - whatever the client has
                ask("sftp.txt")
            assert not isinstance(error.value, FileNotFoundError)
            assert "sftp said unreachable" in "".join(error.value.__notes__)
        assert read(storage, "local.txt") == b"content"
        assert storage.size("local.txt") == 7
        name = put(storage, "new.txt", b"new")
        assert read(local, name) == b"new"


@pytest.mark.parametrize("policy", ["first", "all"])
def test_a_delete_that_nobody_heard_is_an_error(
    policy: str, server: SFTPServer, sftp: SFTPStorage
) -> None:
    put(sftp, "a.txt")
    server.stop()
    storage = fallback(sftp=sftp, options={"delete": policy})
    with pytest.raises(Exception) as error:  # noqa: PT011 - whatever the client has
        storage.delete("a.txt")
    assert "sftp said unreachable" in "".join(error.value.__notes__)
    server.start()
    assert read(storage, "a.txt") == b"content"


def test_a_server_that_comes_back_is_used_by_the_next_call_after_any(
    server: SFTPServer, sftp: SFTPStorage, local: FileSystemStorage
) -> None:
    """Whichever call met the outage, none but it pays for it."""
    storage = fallback(sftp=sftp, local=local, breakers=False)
    put(storage, "a.txt")
    for meet_outage in (
        lambda: storage.explain("a.txt"),
        lambda: put(storage, "b.txt"),
        lambda: storage.get_available_name("a.txt"),
    ):
        server.stop()
        meet_outage()
        server.start()
        assert storage.locate("a.txt") == "sftp"


def test_a_server_that_goes_away_in_the_middle_of_a_read(
    server: SFTPServer, sftp: SFTPStorage, local: FileSystemStorage
) -> None:
    content = os.urandom(1_000_000)
    storage = fallback(sftp=sftp, local=local)
    storage.save("a.bin", ContentFile(content))
    with storage.open("a.bin") as file:
        assert file.read(10) == content[:10]
        server.stop()
        with pytest.raises((SSHException, OSError)):
            file.read()
    server.start()
    assert read(storage, "a.bin") == content


def test_a_connection_known_to_be_lost_does_not_end_a_file_early(
    sftp: SFTPStorage, local: FileSystemStorage
) -> None:
    content = os.urandom(1_000_000)
    storage = fallback(sftp=sftp, local=local)
    storage.save("a.bin", ContentFile(content))
    with storage.open("a.bin") as file:
        assert file.read(10) == content[:10]
        sftp.sftp.get_channel().shutdown_write()
        with pytest.raises(ConnectionResetError):
            file.read()


def test_no_password_is_written_anywhere(
    server: SFTPServer,
    sftp: SFTPStorage,
    local: FileSystemStorage,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sftp.params["password"] = "hunter2"
    storage = fallback(sftp=sftp, local=local, other=sftp)
    with (
        caplog.at_level(logging.DEBUG, "fallback_storage"),
        pytest.raises(StorageUnavailable) as error,
    ):
        storage.open("a.txt")
    assert "hunter2" not in f"{error.value!r} {error.value} {caplog.text} {storage!r}"
    assert "hunter2" not in str(storage.explain("a.txt"))


class OwnSFTPStorage(SFTPStorage):  # type: ignore[misc]
    """A subclass, which may store in a way of its own."""

    def _save(self, name: str, content: File[bytes]) -> str:
        return str(super()._save(name, content))


def create(storage: SFTPStorage, name: str, content: bytes, skip: bool = False) -> str | None:
    skip_if = (lambda: True) if skip else None
    return adapter_for(storage).create(name, ContentFile(content), skip_if)


def test_a_full_disk_leaves_nothing_under_the_final_name(
    sftp: SFTPStorage, local: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half file would hide the whole one below, for every later read."""
    local.save("a.txt", ContentFile(b"production's"))
    whole = sftp.sftp.putfo

    def half(content: File[bytes], path: str, **options: object) -> None:
        whole(ContentFile(content.read()[:3]), path)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sftp.sftp, "putfo", half)
    assert read(OverlayStorage([sftp, local], promote=True), "a.txt") == b"production's"
    assert sftp.listdir("") == ([], [])


def test_a_rename_that_fails_for_another_reason_is_an_error(
    sftp: SFTPStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(old: str, new: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(sftp.sftp, "rename", refuse)
    with pytest.raises(PermissionError):
        create(sftp, "a.txt", b"a")
    assert sftp.listdir("") == ([], [])


def test_a_missing_key_file_is_no_missing_file(server: SFTPServer, tmp_path: Path) -> None:
    storage = SFTPStorage(
        host=HOST,
        params=server.params | {"key_filename": str(tmp_path / "no-key"), "password": None},
        known_host_file=str(tmp_path / "known_hosts"),
    )
    with pytest.raises(OSError, match="a file of its settings is missing"):
        fallback(sftp=storage).exists("a.txt")
