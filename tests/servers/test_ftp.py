"""FallbackStorage over a real FTP server: a storage that knows one error for everything."""

from __future__ import annotations

import ftplib
import gc
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from storages.backends.ftp import FTPStorage, FTPStorageException

from fallback_storage.backend.adapters import adapter_for
from fallback_storage.errors import StorageUnavailable, UnsupportedOperation
from fallback_storage.storage import FallbackStorage, OverlayStorage

from .files import Interrupting, fallback, put, read
from .ftp import FTPServer, MakeFTP
from .remote_suite import ConnectedSuite

# FTPStorage drops a connection that it cannot use without closing it.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

QUESTIONS: dict[str, Callable[[FallbackStorage, str], Any]] = {
    "open": lambda storage, name: storage.open(name),
    "size": lambda storage, name: storage.size(name),
    "exists": lambda storage, name: storage.exists(name),
    "listdir": lambda storage, _: storage.listdir("dir"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    directory = tmp_path / "ftp"
    directory.mkdir()
    return directory


@pytest.fixture
def server(root: Path) -> Iterator[FTPServer]:
    with FTPServer(root) as running:
        yield running


@pytest.fixture
def make_ftp(server: FTPServer) -> Iterator[MakeFTP]:
    make = MakeFTP(server)
    yield make
    for storage in make.made:
        if storage._connection is not None:
            storage._connection.close()
    gc.collect()


@pytest.fixture
def ftp(make_ftp: MakeFTP) -> FTPStorage:
    return make_ftp()


@pytest.fixture
def remote(ftp: FTPStorage) -> FTPStorage:
    return ftp


@pytest.fixture
def own_remote(server: FTPServer) -> Iterator[OwnFTPStorage]:
    own = OwnFTPStorage(location=server.location(), encoding="utf-8")
    yield own
    own._connection.close()


class TestFTP(ConnectedSuite):
    tells_modified = False
    file_name = "größe.txt"  # FTPStorage cannot list a name with a space.


def test_a_storage_that_overwrites_has_what_it_has(
    make_ftp: MakeFTP, local: FileSystemStorage
) -> None:
    """By itself it says that it has nothing, and deletes nothing."""
    ftp = make_ftp(allow_overwrite=True)
    storage = fallback(ftp=ftp, local=local)
    assert put(storage, "dir/a.txt", b"old") == "dir/a.txt"
    assert put(storage, "dir/a.txt", b"new") == "dir/a.txt"
    assert storage.exists("dir/a.txt")
    assert storage.locate("dir/a.txt") == "ftp"
    assert read(storage, "dir/a.txt") == b"new"
    with pytest.raises(FileNotFoundError):
        storage.size("dir/b.txt")
    storage.delete("dir/a.txt")
    assert not storage.exists("dir/a.txt")
    assert ftp.listdir("dir") == ([], [])


# The connection that a failed read leaves in the directory of the file


@pytest.mark.parametrize("policy", ["failover", "raise", "skip"])
def test_names_mean_the_same_after_a_read_that_failed(
    policy: str, ftp: FTPStorage, local: FileSystemStorage, root: Path
) -> None:
    put(ftp, "dir/there.txt")
    storage = fallback(ftp=ftp, local=local, options={"on_fault": policy})
    for fails in (storage.open, storage.size):
        with pytest.raises(FileNotFoundError):
            fails("dir/missing.txt")
        assert storage.exists("dir/there.txt")
        assert storage.size("dir/there.txt") == len(b"content")
        assert read(storage, "dir/there.txt") == b"content"
        assert storage.listdir("") == (["dir"], [])
    with pytest.raises(FileNotFoundError):
        storage.open("dir/missing.txt")
    name = put(storage, "dir/new.txt", b"new")
    assert (root / name).read_bytes() == b"new"
    assert not (root / "dir/dir").exists()


def test_names_mean_the_same_after_a_save_that_failed(
    server: FTPServer, ftp: FTPStorage, local: FileSystemStorage, root: Path
) -> None:
    put(ftp, "dir/there.txt")
    storage = fallback(ftp=ftp, local=local)
    server.answers["STOR"] = "452 Insufficient storage space."
    name = put(storage, "dir/new.txt", b"new")
    assert storage.locate(name) == "local"
    del server.answers["STOR"]
    assert storage.exists("dir/there.txt")
    assert (root / put(storage, "dir/newer.txt")).exists()


def test_names_mean_the_same_after_a_file_that_could_not_be_written(
    server: FTPServer, ftp: FTPStorage, local: FileSystemStorage
) -> None:
    storage = fallback(ftp=ftp, local=local)
    with storage.open("dir/there.txt", "wb") as file:
        file.write(b"content")
    file = storage.open("dir/new.txt", "wb")
    file.write(b"new")
    server.answers["STOR"] = "452 Insufficient storage space."
    with pytest.raises(FTPStorageException):
        file.close()
    del server.answers["STOR"]
    assert storage.exists("dir/there.txt")
    assert not storage.exists("dir/new.txt")
    assert read(storage, "dir/there.txt") == b"content"
    assert storage.listdir("") == (["dir"], [])


def test_a_connection_that_is_given_up_is_closed(ftp: FTPStorage) -> None:
    storage = fallback(ftp=ftp)
    storage.listdir("")
    connection = ftp._connection
    with pytest.raises(FileNotFoundError):
        storage.open("missing.txt")
    assert connection.sock is None


# Refusing


@pytest.mark.parametrize("policy", ["first", "all"])
@pytest.mark.parametrize("answer", ["550 Not enough privileges.", "450 The file is busy."])
def test_a_delete_that_is_refused_is_an_error(
    policy: str, answer: str, server: FTPServer, ftp: FTPStorage
) -> None:
    put(ftp, "dir/a.txt")
    storage = fallback(ftp=ftp, options={"delete": policy})
    server.answers["DELE"] = answer
    with pytest.raises(Exception, match=answer) as error:
        storage.delete("dir/a.txt")
    assert not isinstance(error.value, FileNotFoundError)
    del server.answers["DELE"]
    assert read(storage, "dir/a.txt") == b"content"


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("answer", ["421 Too many connections.", "425 No data connection."])
def test_a_server_that_cannot_answer_now_has_not_said_no(
    question: str, answer: str, server: FTPServer, ftp: FTPStorage, local: FileSystemStorage
) -> None:
    put(ftp, "dir/a.txt")
    server.answers |= dict.fromkeys(("LIST", "NLST", "RETR"), answer)
    storage = fallback(ftp=ftp, local=local)
    with pytest.raises(Exception) as error:  # noqa: PT011 - FTPStorage's or ftplib's
        QUESTIONS[question](storage, "dir/a.txt")
    assert "ftp said unreachable" in "".join(error.value.__notes__)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_storage_whose_own_directory_is_missing_has_failed(
    question: str, server: FTPServer, make_ftp: MakeFTP, local: FileSystemStorage
) -> None:
    storage = fallback(ftp=make_ftp(server.location("no-such-directory")), local=local)
    with pytest.raises(FTPStorageException) as error:
        QUESTIONS[question](storage, "dir/a.txt")
    assert "ftp said" in "".join(error.value.__notes__)


# Going away


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("connected", [True, False], ids=["connected", "new"])
def test_an_outage_is_not_absence(
    question: str, connected: bool, server: FTPServer, ftp: FTPStorage, local: FileSystemStorage
) -> None:
    if connected:
        put(ftp, "dir/a.txt")
    server.stop()
    for storage in (fallback(ftp=ftp, local=local), fallback(local=local, ftp=ftp)):
        with pytest.raises(FTPStorageException) as error:
            QUESTIONS[question](storage, "dir/a.txt")
        assert "ftp said unreachable" in "".join(error.value.__notes__)


def test_an_outage_does_not_stop_the_others(
    server: FTPServer, ftp: FTPStorage, local: FileSystemStorage
) -> None:
    put(local, "a.txt", b"local")
    server.stop()
    storage = fallback(ftp=ftp, local=local)
    assert read(storage, "a.txt") == b"local"
    assert storage.size("a.txt") == 5
    name = put(storage, "dir/new.txt", b"new")
    assert read(local, name) == b"new"
    with pytest.raises(FTPStorageException):
        fallback(ftp=ftp).delete("a.txt")


# Secrets


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_password_is_in_nothing_that_this_package_writes(
    question: str,
    server: FTPServer,
    make_ftp: MakeFTP,
    local: FileSystemStorage,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """FTPStorage writes it into its error."""
    ftp = make_ftp(server.location(password="hunter2"))
    storage = fallback(ftp=ftp, local=local, other=ftp)
    with (
        caplog.at_level(logging.DEBUG, "fallback_storage"),
        pytest.raises(StorageUnavailable) as error,
    ):
        QUESTIONS[question](storage, "dir/a.txt")
    assert "hunter2" in str(error.value.failures["ftp"])
    notes = "".join(getattr(error.value, "__notes__", []))
    written = f"{error.value!r} {error.value} {notes} {caplog.text} {storage.explain('a.txt')}"
    assert "hunter2" not in written
    with pytest.raises(FTPStorageException) as single:
        QUESTIONS[question](fallback(ftp=ftp), "dir/a.txt")
    assert "hunter2" not in "".join(single.value.__notes__)


class OwnFTPStorage(FTPStorage):  # type: ignore[misc]
    """A subclass, which may store in a way of its own."""

    def _save(self, name: str, content: File[bytes]) -> str:
        return str(super()._save(name, content))


def test_a_rename_that_fails_leaves_nothing(
    ftp: FTPStorage, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ftp.save("old.txt", ContentFile(b""))

    def refuse(old: str, new: str) -> None:
        raise ftplib.error_perm("553 Not allowed.")  # noqa: S321 - as its client does

    monkeypatch.setattr(ftp._connection, "rename", refuse)
    with pytest.raises(ftplib.error_perm):
        adapter_for(ftp).replace("a.txt", ContentFile(b"a"))
    assert os.listdir(root) == ["old.txt"]


def test_content_that_breaks_off_leaves_nothing_and_a_connection_that_works(
    ftp: FTPStorage, root: Path
) -> None:
    def break_off() -> None:
        raise RuntimeError("half-way")

    storage = fallback(ftp=ftp)
    content = File(Interrupting(b"x" * 1_000_000, break_off))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="half-way"):
            storage.save("dir/a.txt", content)
        assert os.listdir(root / "dir") == []
        assert storage.save("dir/b.txt", ContentFile(b"b")) == "dir/b.txt"
        storage.delete("dir/b.txt")


def test_a_name_that_is_taken_during_the_upload_is_left_alone(
    ftp: FTPStorage, make_ftp: MakeFTP, root: Path
) -> None:
    storage, other = fallback(ftp=ftp), fallback(ftp=make_ftp())
    names: list[str] = []

    def take() -> None:
        if not names:
            names.append(put(other, "dir/a.txt", b"other's"))

    names.append(storage.save("dir/a.txt", File(Interrupting(b"x" * 1_000_000, take))))
    assert len({*names}) == 2
    assert [len(read(storage, name)) for name in names] == [7, 1_000_000]
    assert sorted(os.listdir(root / "dir")) == sorted(name.removeprefix("dir/") for name in names)


@pytest.mark.parametrize("mode", ["ab", "r+b", "xb"])
def test_an_overlay_says_that_a_file_cannot_be_changed_in_place(
    ftp: FTPStorage, local: FileSystemStorage, mode: str
) -> None:
    put(local, "a.txt")
    with pytest.raises(UnsupportedOperation, match="cannot change a file in place"):
        OverlayStorage([ftp, local]).open("a.txt", mode)
    assert not ftp.exists("a.txt")
