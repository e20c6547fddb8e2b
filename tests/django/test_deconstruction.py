"""What a migration holds of a storage: JSON, enough to build it again, and no secret."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.utils.module_loading import import_string

from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage

from .storages import AccountStorage

FALLBACK = "fallback_storage.storage.FallbackStorage"
FILES = "django.core.files.storage.FileSystemStorage"
MEMORY = "django.core.files.storage.InMemoryStorage"
SECRET = "hush-hush"


class NamedStorage(FallbackStorage):
    """A storage of a project's own."""


def rebuilt(storage: FallbackStorage) -> FallbackStorage:
    """The storage as a migration builds it, its arguments gone through JSON."""
    path, args, kwargs = storage.deconstruct()
    args, kwargs = json.loads(json.dumps([args, kwargs]))
    built: FallbackStorage = import_string(path)(*args, **kwargs)
    return built


def backends_of(storage: FallbackStorage) -> list[tuple[str, type[Storage], bool]]:
    return [(b.name, type(b.storage), b.read_only) for b in storage.backends]


# What is written.


def test_the_path_is_the_documented_one() -> None:
    assert FallbackStorage([MEMORY]).deconstruct()[0] == FALLBACK


def test_arguments_are_those_given() -> None:
    assert FallbackStorage(["a", "b"]).deconstruct()[1:] == ([["a", "b"]], {})
    assert FallbackStorage(backends=("a",), on_fault="skip").deconstruct()[1:] == (
        [],
        {"backends": ["a"], "on_fault": "skip"},
    )
    assert FallbackStorage().deconstruct()[1:] == ([], {})


@pytest.mark.parametrize(
    "entry",
    [
        MEMORY,
        {"BACKEND": MEMORY, "NAME": "m", "READ_ONLY": True, "DENIED_IS_MISSING": True},
        {"BACKEND": FILES, "OPTIONS": {"location": "/media", "file_permissions_mode": 0o644}},
        {"BACKEND": FILES, "OPTIONS": {"location": Path("/media")}},
        InMemoryStorage(),
        InMemoryStorage(base_url="/m/"),
        FileSystemStorage(location=Path("/media"), base_url="/m/"),
        FileSystemStorage("/media", "/m/"),
        {"BACKEND": FileSystemStorage(location="/media"), "READ_ONLY": True},
        {"BACKEND": FALLBACK, "OPTIONS": {"backends": [MEMORY, InMemoryStorage()]}},
        FallbackStorage(backends=[InMemoryStorage(), MEMORY], on_fault="raise"),
        FallbackStorage([FileSystemStorage("/media"), MEMORY]),
        NamedStorage([MEMORY]),
        AccountStorage(account="pictures"),
    ],
)
def test_what_is_written_builds_an_equal_storage(entry: Any) -> None:
    storage = FallbackStorage([entry, MEMORY], delete="all")
    again = rebuilt(storage)
    assert again.deconstruct() == rebuilt(again).deconstruct()
    assert backends_of(again) == backends_of(storage)
    assert (again.options.on_fault, again.options.delete) == ("failover", "all")


@pytest.mark.parametrize(
    "storage", [FileSystemStorage("/media"), FileSystemStorage(location="/media")]
)
def test_an_instance_keeps_its_options(storage: FileSystemStorage) -> None:
    again = rebuilt(FallbackStorage([storage]))
    assert again.path("a.txt") == "/media/a.txt"


def test_a_nested_instance_keeps_its_options() -> None:
    inner = FallbackStorage([InMemoryStorage(base_url="/inner/")])
    assert rebuilt(FallbackStorage([inner])).url("a.txt") == "/inner/a.txt"


def test_an_instance_becomes_a_mapping() -> None:
    storage = FallbackStorage([FileSystemStorage(location=PurePosixPath("/media"))])
    written = [{"BACKEND": FILES, "OPTIONS": {"location": "/media"}}]
    assert storage.deconstruct()[1] == [written]


def test_an_instance_in_a_mapping_keeps_the_name_and_mode_of_its_backend() -> None:
    entry = {"BACKEND": InMemoryStorage(), "NAME": "memory", "READ_ONLY": True}
    assert backends_of(rebuilt(FallbackStorage([entry]))) == [("memory", InMemoryStorage, True)]


def test_a_class_of_a_projects_own_is_written_under_its_own_path() -> None:
    storage = NamedStorage([MEMORY])
    assert storage.deconstruct()[0] == f"{__name__}.NamedStorage"
    assert type(rebuilt(storage)) is NamedStorage


def test_deconstructing_builds_nothing() -> None:
    FallbackStorage(["an alias of nowhere", "nowhere.NoStorage"]).deconstruct()


# What is refused.


def refused(*entries: Any) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        FallbackStorage(entries).deconstruct()
    return str(caught.value)


SECRET_OPTIONS = [
    {"secret_key": SECRET},
    {"access_key": SECRET},
    {"api_token": SECRET},
    {"password": SECRET},
    {"PASSWORD": SECRET},
    {"token": SECRET},
    {"key": SECRET},
    {"connection_string": SECRET},
    {"credentials": SECRET},
    {"params": {"username": "u", "password": SECRET}},
    {"object_parameters": {"SSECustomerKey": SECRET}},
    {"clients": [{"name": "a"}, {"secret": SECRET}]},
    {"location": f"ftp://user:{SECRET}@ftp.example.com/media"},
    {"location": f"ftp://:{SECRET}@ftp.example.com"},
    {"endpoints": [f"https://user:{SECRET}@example.com"]},
]


@pytest.mark.parametrize("options", SECRET_OPTIONS, ids=str)
def test_a_secret_in_options_is_refused_and_not_told(options: dict[str, Any]) -> None:
    message = refused("uploads", {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options})
    assert SECRET not in message
    assert "backends[1]" in message
    assert "STORAGES" in message
    assert "alias" in message


@pytest.mark.parametrize(
    "instance",
    [
        AccountStorage("pictures", SECRET),
        AccountStorage(api_token=SECRET),
        AccountStorage(location=f"ftp://user:{SECRET}@ftp.example.com"),
        FallbackStorage([{"BACKEND": MEMORY, "OPTIONS": {"password": SECRET}}]),
        FallbackStorage([AccountStorage(api_token=SECRET)]),
    ],
    ids=["position", "name", "url", "nested options", "nested instance"],
)
def test_a_secret_in_an_instance_is_refused_and_not_told(instance: Storage) -> None:
    for entry in (instance, {"BACKEND": instance, "NAME": "pictures"}):
        message = refused("uploads", entry)
        assert SECRET not in message
        assert "alias" in message


def test_a_secret_given_to_s3_is_refused_and_not_told() -> None:
    from storages.backends.s3 import S3Storage

    message = refused(S3Storage(bucket_name="media", access_key="a", secret_key=SECRET))
    assert SECRET not in message
    assert "alias" in message


def test_an_empty_secret_is_none() -> None:
    entry = {"BACKEND": MEMORY, "OPTIONS": {"access_key": None, "secret_key": ""}}
    assert FallbackStorage([entry]).deconstruct()[1] == [[entry]]


@pytest.mark.parametrize("url", ["https://example.com/media/", "ftp://user@ftp.example.com/a:b"])
def test_a_url_without_a_password_is_written(url: str) -> None:
    entry = {"BACKEND": MEMORY, "OPTIONS": {"base_url": url}}
    assert FallbackStorage([entry]).deconstruct()[1] == [[entry]]


@pytest.mark.parametrize("value", [object(), b"bytes", {1, 2}, print])
def test_what_json_has_not_is_refused_naming_its_place(value: Any) -> None:
    message = refused({"BACKEND": MEMORY, "OPTIONS": {"client": value}})
    assert "'client'" in message
    assert "alias" in message


def test_an_instance_that_is_not_deconstructible_is_refused_naming_its_place() -> None:
    message = refused("uploads", FaultyStorage(Storage()))
    assert "backends[1]" in message
    assert "alias" in message


def test_an_instance_whose_arguments_have_no_names_is_refused_naming_its_place() -> None:
    class ManyStorage(InMemoryStorage):
        def __init__(self, *buckets: str) -> None:
            super().__init__()
            self.buckets = buckets

        def deconstruct(self) -> tuple[str, tuple[str, ...], dict[str, Any]]:
            return f"{__name__}.ManyStorage", self.buckets, {}

    message = refused("uploads", ManyStorage("a", "b"))
    assert "backends[1]" in message
    assert "alias" in message
