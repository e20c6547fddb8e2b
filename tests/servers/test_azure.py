"""FallbackStorage over Azure's real client: a storage that opens lazily and errs by status."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from storages.backends.azure_storage import AzureStorage

from fallback_storage.backend.adapters import adapter_for
from fallback_storage.errors import StorageUnavailable
from fallback_storage.storage import FallbackStorage

from .azure import CONTAINER, AzureBlob, LoopbackStorage, MakeAzure
from .files import Pair, fallback, put, read
from .remote_suite import RemoteSuite

pytestmark = [
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
    # A download that fails leaves AzureStorage's temporary file open.
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.Spooled:ResourceWarning"),
]

QUESTIONS: dict[str, Callable[[FallbackStorage, str], Any]] = {
    "open": lambda storage, name: storage.open(name),
    "open as text": lambda storage, name: storage.open(name, "r"),
    "size": lambda storage, name: storage.size(name),
    "get_modified_time": lambda storage, name: storage.get_modified_time(name),
    "exists": lambda storage, name: storage.exists(name),
    "locate": lambda storage, name: storage.locate(name),
    "listdir": lambda storage, _: storage.listdir(""),
}


@pytest.fixture
def server() -> Iterator[AzureBlob]:
    with AzureBlob(CONTAINER) as running:
        yield running


@pytest.fixture
def make_azure(server: AzureBlob) -> Iterator[MakeAzure]:
    make = MakeAzure(server)
    yield make
    for storage in make.made:
        storage.service_client.close()
    gc.collect()


@pytest.fixture
def azure(make_azure: MakeAzure) -> LoopbackStorage:
    return make_azure()


@pytest.fixture
def remote(azure: LoopbackStorage) -> LoopbackStorage:
    return azure


class TestAzure(RemoteSuite):
    def test_a_blob_in_neither_is_missing_when_it_is_opened(
        self, pair: Pair, azure: LoopbackStorage
    ) -> None:
        with azure.open("a.txt") as lazy:
            assert lazy.name == "a.txt"  # and nothing was asked
        storage = pair.combined()
        for question in ("open", "open as text", "size", "get_modified_time"):
            with pytest.raises(FileNotFoundError):
                QUESTIONS[question](storage, "a.txt")
        assert not storage.exists("a.txt")
        storage.delete("a.txt")

    @pytest.mark.parametrize("size", [0, 1, 3_000_000])
    def test_a_file_of_any_size_comes_back_whole(self, pair: Pair, size: int) -> None:
        content = os.urandom(size)
        storage = pair.combined()
        name = storage.save("dir/a.bin", ContentFile(content))
        assert storage.locate(name) == "first"
        assert read(pair.first, name) == read(storage, name) == content
        assert storage.size(name) == size


def test_the_root_exists(azure: LoopbackStorage) -> None:
    assert fallback(azure=azure).exists("")


@pytest.mark.parametrize("location", ["", "media", "media/deep/"])
def test_a_listing_has_the_names_of_one_directory(
    location: str, make_azure: MakeAzure, local: FileSystemStorage
) -> None:
    """By itself AzureStorage gives full names, of all that lies below."""
    azure = make_azure(location=location)
    put(make_azure(location="elsewhere"), "hidden.txt")
    for name in ("top.txt", "dir/a.txt", "dir/deep/b.txt", "dir.txt"):
        put(azure, name)
    put(local, "dir/a.txt")
    put(local, "dir/c.txt")
    storage = fallback(local=local, azure=azure)
    directories, files = storage.listdir("dir")
    assert (directories, sorted(files)) == (["deep"], ["a.txt", "c.txt"])
    directories, files = fallback(azure=azure).listdir("")
    assert (set(directories) - {"elsewhere"}, files) == ({"dir"}, ["dir.txt", "top.txt"])
    assert fallback(azure=azure).listdir("dir/deep") == ([], ["b.txt"])


def requests(server: AzureBlob, ask: Callable[[Any, str], Any], storage: Any) -> list[str]:
    """What a question about a.txt makes the client ask, also when the file goes away."""
    server.requests.clear()
    ask(storage, "a.txt")
    gc.collect()
    return [method for method, _ in server.requests]


@pytest.mark.parametrize("question", ["size", "get_modified_time", "exists", "listdir"])
def test_a_question_costs_what_azure_alone_costs(
    question: str, server: AzureBlob, azure: LoopbackStorage, local: FileSystemStorage
) -> None:
    put(azure, "a.txt")
    ask = QUESTIONS[question]
    storage = fallback(local=local, azure=azure)
    assert len(requests(server, ask, azure)) == 1
    assert requests(server, ask, storage) == requests(server, ask, azure)
    put(local, "a.txt")
    expected = ["GET"] if question == "listdir" else []
    assert requests(server, ask, storage) == expected


@pytest.mark.parametrize("mode", ["rb", "r"])
def test_a_file_is_downloaded_once(
    mode: str, server: AzureBlob, azure: LoopbackStorage, local: FileSystemStorage
) -> None:
    put(azure, "a.txt")

    def read_it(storage: Any, name: str) -> None:
        read(storage, name, mode)

    assert requests(server, read_it, azure) == ["GET"]
    assert requests(server, read_it, fallback(local=local, azure=azure)) == ["GET"]


def test_a_url_costs_nothing(
    server: AzureBlob, azure: LoopbackStorage, local: FileSystemStorage
) -> None:
    storage = fallback(local=local, azure=azure)
    assert requests(server, lambda storage, name: storage.url(name), storage) == []


@pytest.mark.parametrize("overwrites", [True, False])
def test_a_save_on_a_taken_name_does_as_its_owner_wants(
    overwrites: bool, make_azure: MakeAzure, local: FileSystemStorage
) -> None:
    azure = make_azure(overwrite_files=overwrites)
    put(azure, "a.txt", b"old")
    name = put(fallback(azure=azure, local=local), "a.txt", b"new")
    assert (name == "a.txt") is overwrites
    assert read(azure, name) == b"new"


def test_a_name_taken_meanwhile_is_not_overwritten(
    azure: LoopbackStorage, local: FileSystemStorage
) -> None:
    put(azure, "a.txt", b"old")
    storage = fallback(azure=azure, local=local)
    stored = storage._save("a.txt", ContentFile(b"new"))
    assert stored != "a.txt"
    assert read(azure, "a.txt") == b"old"
    assert read(azure, stored) == b"new"


# What is no answer


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("order", ["azure first", "local first"])
def test_a_missing_container_is_a_failure(
    question: str, order: str, make_azure: MakeAzure, local: FileSystemStorage
) -> None:
    nowhere = make_azure("no-such-container")
    if order == "azure first":
        storage = fallback(azure=nowhere, local=local)
    else:
        storage = fallback(local=local, azure=nowhere)
    with pytest.raises(HttpResponseError) as error:
        QUESTIONS[question](storage, "a.txt")
    assert "azure said failed" in "".join(error.value.__notes__)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (401, "NoAuthenticationInformation", "denied"),
        (403, "AuthenticationFailed", "denied"),
        (429, "TooManyRequests", "unreachable"),
        (500, "InternalError", "unreachable"),
        (503, "ServerBusy", "unreachable"),
    ],
)
def test_a_refusal_is_not_absence(
    question: str,
    status: int,
    code: str,
    outcome: str,
    server: AzureBlob,
    azure: LoopbackStorage,
    local: FileSystemStorage,
) -> None:
    server.refusal = (status, code)
    with pytest.raises(HttpResponseError) as error:
        QUESTIONS[question](fallback(local=local, azure=azure), "a.txt")
    assert error.value.status_code == status
    assert f"azure said {outcome}" in "".join(error.value.__notes__)
    lenient = fallback(local=local, azure=azure, denied_is_missing=["azure"])
    if status == 403 and question != "listdir":  # It is for one file and that status alone.
        assert not lenient.exists("a.txt")
    else:
        with pytest.raises(HttpResponseError):
            QUESTIONS[question](lenient, "a.txt")


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_outage_is_not_absence(
    question: str, server: AzureBlob, azure: LoopbackStorage, local: FileSystemStorage
) -> None:
    server.stop()
    for storage in (fallback(local=local, azure=azure), fallback(azure=azure, local=local)):
        with pytest.raises(ServiceRequestError) as error:
            QUESTIONS[question](storage, "a.txt")
        assert "azure said unreachable" in "".join(error.value.__notes__)
    with pytest.raises(StorageUnavailable):
        QUESTIONS[question](fallback(one=azure, local=local, two=azure), "a.txt")


@pytest.mark.parametrize("overwrites", [True, False])
def test_an_outage_does_not_stop_the_others(
    overwrites: bool, server: AzureBlob, make_azure: MakeAzure, local: FileSystemStorage
) -> None:
    put(local, "a.txt", b"local")
    server.stop()
    azure = make_azure(overwrite_files=overwrites)
    storage = fallback(azure=azure, local=local)
    assert read(storage, "a.txt") == b"local"
    assert storage.size("a.txt") == 5
    name = put(storage, "new.txt", b"new")
    assert read(local, name) == b"new"
    assert "no-such" not in fallback(local=local, azure=azure).url("b.txt")
    for policy in ("first", "all"):
        with pytest.raises(AzureError):
            fallback(azure=azure, options={"delete": policy}).delete("a.txt")


def test_a_save_into_a_missing_container_lands_in_the_next_backend(
    make_azure: MakeAzure, local: FileSystemStorage
) -> None:
    nowhere = make_azure("no-such-container")
    storage = fallback(azure=nowhere, local=local)
    name = put(storage, "a.txt")
    assert read(local, name) == b"content"
    with pytest.raises(HttpResponseError):
        put(fallback(azure=nowhere), "a.txt")


class OwnAzureStorage(LoopbackStorage):
    """A subclass, which may store in a way of its own."""

    def _save(self, name: str, content: Any) -> str:
        return str(super()._save(name, content))


def test_a_blob_is_created_only_where_there_is_none(azure: AzureStorage) -> None:
    adapter = adapter_for(azure)
    assert adapter.create("skipped.txt", ContentFile(b"x"), lambda: True) is None
    assert adapter.create("a.txt", ContentFile(b"first"), None) == "a.txt"
    assert adapter.create("a.txt", ContentFile(b"second"), None) is None
    assert read(azure, "a.txt") == b"first"
    assert not azure.exists("skipped.txt")


def test_a_subclass_of_azures_stores_in_its_own_way(server: AzureBlob) -> None:
    own = OwnAzureStorage(server.url, azure_container=CONTAINER)
    adapter = adapter_for(own)
    assert adapter.create("a.txt", ContentFile(b"first"), None) == "a.txt"
    assert adapter.create("a.txt", ContentFile(b"second"), None) is None
    own.client.close()
