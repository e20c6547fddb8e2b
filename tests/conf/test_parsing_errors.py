"""A mistake in the configuration is an ImproperlyConfigured that says where and what was meant."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from django.test import override_settings

from fallback_storage.storage import FallbackStorage
from tests.django.override import override_storages

MEMORY = "django.core.files.storage.InMemoryStorage"
S3 = "storages.backends.s3.S3Storage"

ALIASES = {"uploads": {"BACKEND": MEMORY}, "production": {"BACKEND": MEMORY}}


@pytest.fixture(autouse=True)
def aliases() -> Any:
    with override_storages(ALIASES):
        yield


def mistake(backends: Any, **options: Any) -> str:
    """What using a storage so configured comes to."""
    with pytest.raises(ImproperlyConfigured) as caught:
        FallbackStorage(backends, **options).exists("a.txt")
    return str(caught.value)


# The list.


@pytest.mark.parametrize("nothing", [[], ()])
def test_an_empty_list_is_a_mistake(nothing: Any) -> None:
    assert "backends is empty" in mistake(nothing)


@pytest.mark.parametrize("other", ["uploads", {"BACKEND": "uploads"}, InMemoryStorage(), 3])
def test_something_else_in_place_of_a_list_is_a_mistake(other: Any) -> None:
    assert "backends must be a list" in mistake(other)


def test_without_backends_and_without_the_setting_the_setting_is_named() -> None:
    assert "FALLBACK_STORAGES is missing" in mistake(None)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ((), "FALLBACK_STORAGES is empty"),
        ([], "FALLBACK_STORAGES is empty"),
        ("uploads", "FALLBACK_STORAGES must be a list"),
        ({"BACKEND": "uploads"}, "FALLBACK_STORAGES must be a list"),
        (("uploads", 3), "FALLBACK_STORAGES[1]"),
        (("uploads", "uplods"), "FALLBACK_STORAGES[1]"),
    ],
)
def test_a_mistake_in_the_setting_names_the_setting(value: Any, message: str) -> None:
    with override_settings(FALLBACK_STORAGES=value):
        assert message in mistake(None)


def test_a_secret_in_what_stands_in_place_of_a_list_is_not_told() -> None:
    entry = {"BACKEND": S3, "OPTIONS": {"secret_key": "hush"}}
    assert "hush" not in mistake(entry)
    with override_settings(FALLBACK_STORAGES=entry):
        assert "hush" not in mistake(None)


# An entry.


@pytest.mark.parametrize("entry", [3, None, b"uploads", FileSystemStorage, ["uploads"]])
def test_what_is_no_storage_is_a_mistake_at_its_place(entry: Any) -> None:
    assert "backends[1]" in mistake(["uploads", entry])


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({}, "BACKEND is missing"),
        ({"NAME": "x"}, "BACKEND is missing"),
        ({"BACKEND": None}, "BACKEND must be an alias of STORAGES, a dotted path or"),
        ({"BACKEND": ""}, "BACKEND must be an alias of STORAGES, a dotted path or"),
        ({"BACKEND": "uploads", "NAME": 3}, "NAME"),
        ({"BACKEND": "uploads", "NAME": ""}, "NAME"),
        ({"BACKEND": MEMORY, "OPTIONS": [("base_url", "/x/")]}, "OPTIONS must be a mapping"),
        ({"BACKEND": "uploads", "READ_ONLY": "yes"}, "READ_ONLY must be True or False"),
        ({"BACKEND": "uploads", "READ_ONLY": 1}, "READ_ONLY must be True or False"),
        (
            {"BACKEND": "uploads", "DENIED_IS_MISSING": None},
            "DENIED_IS_MISSING must be True or False",
        ),
    ],
)
def test_a_wrong_value_is_a_mistake_at_its_place(entry: Any, problem: str) -> None:
    message = mistake(["uploads", entry])
    assert "backends[1]" in message
    assert problem in message


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("READONLY", "READ_ONLY"),
        ("READ-ONLY", "READ_ONLY"),
        ("BACKENDS", "BACKEND"),
        ("OPTION", "OPTIONS"),
        ("DENIED_MISSING", "DENIED_IS_MISSING"),
        ("read_only", "READ_ONLY"),
        ("name", "NAME"),
        ("options", "OPTIONS"),
    ],
)
def test_an_unknown_key_names_its_place_and_the_nearest_known(key: str, nearest: str) -> None:
    message = mistake(["uploads", {"BACKEND": "production", key: {}}])
    assert "backends[1]" in message
    assert f"Did you mean {nearest!r}?" in message


def test_a_key_that_is_like_no_other_names_all_that_are_known() -> None:
    message = mistake([{"BACKEND": "uploads", "ZZZ": 1}])
    assert "'ZZZ'" in message
    assert all(key in message for key in ("BACKEND", "OPTIONS", "NAME", "READ_ONLY"))


@pytest.mark.parametrize("source", ["production", InMemoryStorage()])
def test_options_go_with_a_dotted_path_alone(source: Any) -> None:
    message = mistake(["uploads", {"BACKEND": source, "OPTIONS": {"base_url": "/x/"}}])
    assert "backends[1]" in message
    assert "OPTIONS are for a dotted path only" in message


def test_two_backends_with_one_name_are_a_mistake() -> None:
    entries = [{"BACKEND": alias, "NAME": "disk"} for alias in ("uploads", "production")]
    assert "NAME 'disk' is given twice" in mistake(entries)


# What it names.


def test_an_unknown_alias_names_its_place_and_the_nearest_known() -> None:
    message = mistake(["uploads", "prodution"])
    assert "backends[1]" in message
    assert "Did you mean 'production'?" in message


@pytest.mark.parametrize("path", ["nowhere.AnyStorage", "tests.django.storages.NoStorage"])
def test_a_path_that_does_not_import_is_named_with_its_place(path: str) -> None:
    message = mistake(["uploads", path])
    assert "backends[1]" in message
    assert repr(path) in message


def test_a_path_into_a_package_that_is_not_installed_names_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "storages"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "storages", None)
    message = mistake(["uploads", S3])
    assert "backends[1]" in message
    assert "pip install 'django-fallback-storage[s3]'" in message


def test_s3_without_its_client_names_the_place_and_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "storages.backends.s3", raising=False)
    monkeypatch.setitem(sys.modules, "boto3", None)
    message = mistake(["uploads", S3])
    assert "backends[1]" in message
    assert "pip install 'django-fallback-storage[s3]'" in message


@pytest.mark.parametrize("path", [MEMORY, S3])
def test_a_constructor_option_that_the_storage_has_not_is_named_with_its_place(path: str) -> None:
    message = mistake(["uploads", {"BACKEND": path, "OPTIONS": {"locaton": "x"}}])
    assert "backends[1]" in message
    assert "locaton" in message


@override_storages({"uploads": {"OPTIONS": {}}})
def test_an_alias_without_a_backend_is_named_with_its_place() -> None:
    message = mistake(["uploads"])
    assert "backends[0]" in message
    assert "BACKEND" in message


@override_storages({"uploads": {"BACKEND": MEMORY, "OPTIONS": {"locaton": "x"}}})
def test_an_alias_with_a_wrong_option_is_named_with_its_place() -> None:
    assert re.search(r"backends\[0\].*uploads.*locaton", mistake(["uploads"]))


@override_storages({"uploads": {"BACKEND": "nowhere.AnyStorage"}})
def test_an_alias_that_does_not_import_says_so() -> None:
    assert "nowhere.AnyStorage" in mistake(["uploads"])


# The storage's own options.


@pytest.mark.parametrize(
    ("option", "nearest"),
    [("on_falt", "on_fault"), ("deletes", "delete"), ("backend", "backends")],
)
def test_an_unknown_option_names_the_class_and_the_nearest_known(
    option: str, nearest: str
) -> None:
    message = mistake(["uploads"], **{option: "first"})
    assert "FallbackStorage" in message
    assert f"Did you mean {nearest!r}?" in message


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("on_fault", "failver", "'failover', 'raise' or 'skip'. Did you mean 'failover'?"),
        ("on_fault", None, "'failover', 'raise' or 'skip'."),
        ("delete", "whiteout", "'first' or 'all'."),
        ("delete", ["first"], "'first' or 'all'."),
    ],
)
def test_an_unknown_value_names_the_option_and_the_values_known(
    option: str, value: Any, said: str
) -> None:
    assert mistake(["uploads"], **{option: value}) == f"FallbackStorage: {option} must be {said}"


@pytest.mark.parametrize("option", ["write", "ack"])
def test_the_options_of_other_classes_are_not_accepted(option: str) -> None:
    assert f"unknown option {option!r}" in mistake(["uploads"], **{option: "first"})
