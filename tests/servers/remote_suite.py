"""What a FallbackStorage promises over every remote storage, whatever its protocol.

A module of tests subclasses a suite and gives it the fixture ``remote``: the storage, with nothing
in it. The suites below the first also need ``server`` and ``own_remote``.
"""

from __future__ import annotations

import io
import os
from typing import Any, ClassVar

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage

from fallback_storage.backend.adapters import adapter_for

from .files import Interrupting, Pair, fallback, put, read


class RemoteSuite:
    """What holds over a remote storage whose server is well."""

    tells_modified: ClassVar[bool] = True
    file_name: ClassVar[str] = "größe 1.txt"

    @pytest.fixture(params=["local, remote", "remote, local"])
    def pair(
        self, request: pytest.FixtureRequest, local: FileSystemStorage, remote: Storage
    ) -> Pair:
        return Pair(local, remote) if request.param == "local, remote" else Pair(remote, local)

    @pytest.mark.parametrize("where", ["first", "second", "both"])
    def test_the_first_backend_that_has_a_file_serves_it(self, pair: Pair, where: str) -> None:
        storage = pair.combined()
        name = f"dir/{self.file_name}"
        pair.put(where, name)
        holder, content = (pair.second, b"second") if where == "second" else (pair.first, b"1st")
        assert read(storage, name) == content
        assert read(storage, name, "r") == content.decode()
        with storage.open(name) as file:
            assert [file.read(1), file.read(2)] == [content[:1], content[1:3]]
            file.seek(0)
            assert b"".join(file.chunks()) == content
        assert storage.exists(name)
        assert storage.size(name) == len(content)
        if self.tells_modified:
            assert storage.get_modified_time(name) == holder.get_modified_time(name)
        assert storage.url(name) == holder.url(name)
        assert storage.locate(name) == ("second" if where == "second" else "first")
        assert storage.listdir("dir") == ([], [self.file_name])
        assert storage.listdir("") == (["dir"], [])

    @pytest.mark.parametrize("name", ["a.txt", "dir/a.txt"])
    def test_a_file_in_neither_is_missing(self, pair: Pair, name: str) -> None:
        storage = pair.combined()
        for mode in ("rb", "r"):
            with pytest.raises(FileNotFoundError):
                storage.open(name, mode)
        for ask in (storage.size, *([storage.get_modified_time] if self.tells_modified else [])):
            with pytest.raises(FileNotFoundError):
                ask(name)
        assert not storage.exists(name)
        storage.delete(name)

    def test_an_empty_file_is_not_a_missing_one(self, pair: Pair) -> None:
        storage = pair.combined()
        pair.put("second", "dir/empty", second=b"")
        assert storage.size("dir/empty") == 0
        assert read(storage, "dir/empty") == b""

    def test_a_large_file_comes_back_whole(self, pair: Pair) -> None:
        content = os.urandom(1_000_000)
        storage = pair.combined()
        name = storage.save("new/dir/large.bin", ContentFile(content))
        assert storage.locate(name) == "first"
        assert read(pair.first, name) == read(storage, name) == content
        with storage.open(name) as file:
            assert storage.save("copy.bin", file) == "copy.bin"
        assert read(storage, "copy.bin") == content

    def test_content_can_be_saved_twice(self, pair: Pair) -> None:
        content = File(io.BytesIO(b"twice"), "a.txt")
        for name in ("1.txt", "2.txt"):
            assert read(pair.first, pair.combined().save(name, content)) == b"twice"
        assert not content.closed

    @pytest.mark.parametrize("name", ["a.txt", "dir/a.txt"])
    def test_a_save_keeps_clear_of_a_name_in_the_second(self, pair: Pair, name: str) -> None:
        pair.put("second", name)
        saved = put(pair.combined(), name)
        assert saved != name
        assert pair.first.exists(saved)
        assert not pair.first.exists(name)

    @pytest.mark.parametrize("policy", ["first", "all"])
    def test_delete_deletes(self, policy: str, pair: Pair) -> None:
        pair.put("both", "dir/a.txt")
        pair.combined(options={"delete": policy}).delete("dir/a.txt")
        assert not pair.first.exists("dir/a.txt")
        assert pair.second.exists("dir/a.txt") is (policy == "first")


class ConnectedSuite(RemoteSuite):
    """What also holds over a server of files and directories, to which one connection is kept."""

    @pytest.mark.parametrize("path", ["dir", "dir/a.txt"])
    def test_a_directory_in_neither_is_missing(self, pair: Pair, path: str) -> None:
        with pytest.raises(FileNotFoundError):
            pair.combined().listdir(path)

    def test_a_file_opened_for_writing_is_written_to_the_first(self, pair: Pair) -> None:
        with pair.combined().open("a.txt", "wb") as file:
            file.write(b"written")
        assert read(pair.first, "a.txt") == b"written"

    def test_a_server_that_comes_back_is_used_again(
        self, server: Any, remote: Storage, local: FileSystemStorage
    ) -> None:
        storage = fallback(remote=remote, local=local)
        put(storage, "dir/a.txt", b"remote")
        put(local, "local.txt", b"local")
        for _ in range(2):
            server.stop()
            for _ in range(3):
                assert read(storage, "local.txt") == b"local"
            server.start()
            assert read(storage, "dir/a.txt") == b"remote"
            assert storage.locate("dir/a.txt") == "remote"

    def test_a_server_that_goes_away_in_the_middle_of_a_save(
        self, server: Any, remote: Storage, local: FileSystemStorage
    ) -> None:
        content = os.urandom(1_000_000)
        storage = fallback(remote=remote, local=local)
        name = storage.save("a.bin", File(Interrupting(content, server.stop), "a.bin"))
        server.start()
        # The half that the server was left with cannot be removed: the other has another name.
        assert read(storage, name) == read(local, name) == content
        assert name != "a.bin"

    def test_a_file_is_created_only_where_there_is_none(self, remote: Storage) -> None:
        adapter = adapter_for(remote)
        assert adapter.create("dir/skipped.txt", ContentFile(b"x"), lambda: True) is None
        assert adapter.create("dir/a.txt", ContentFile(b"first"), None) == "dir/a.txt"
        assert adapter.create("dir/a.txt", ContentFile(b"second"), None) is None
        assert read(remote, "dir/a.txt") == b"first"
        assert remote.listdir("dir") == ([], ["a.txt"])

    @pytest.mark.parametrize("name", ["a.txt", "dir/a.txt"])
    def test_a_file_is_replaced_at_once(self, remote: Storage, name: str) -> None:
        put(remote, name, b"old")
        adapter = adapter_for(remote)
        assert adapter.replace(name, ContentFile(b"new")) == name
        assert adapter.atomic_replace
        assert read(remote, name) == b"new"
        assert remote.listdir(os.path.dirname(name))[1] == ["a.txt"]

    def test_a_subclass_stores_in_its_own_way(self, own_remote: Storage) -> None:
        adapter = adapter_for(own_remote)
        assert adapter.create("a.txt", ContentFile(b"first"), None) == "a.txt"
        assert adapter.create("a.txt", ContentFile(b"second"), None) is None
        assert adapter.replace("a.txt", ContentFile(b"third")) == "a.txt"
        assert not adapter.atomic_replace
        assert read(own_remote, "a.txt") == b"third"
