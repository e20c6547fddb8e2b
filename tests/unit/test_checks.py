"""One finding, one id, one hint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django
import pytest
from botocore.config import Config
from django.apps import apps
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from django.db import models
from django.test import override_settings
from django.test.utils import isolate_apps

from fallback_storage import checks
from fallback_storage.checks import configuration, presence, unbuilt
from fallback_storage.conf import MOVED
from fallback_storage.storage import FallbackStorage
from tests.django.override import override_storages

from .findings import FALLBACK, FILES, OVERLAY, S3, combined, messages, only, read_only


def test_the_recommended_settings_have_no_finding() -> None:
    assert messages(combined("uploads", read_only("production"))) == []


def test_settings_without_a_combined_storage_have_no_finding() -> None:
    assert messages({"BACKEND": FILES}) == []


@pytest.mark.parametrize("backends", [[], None])
def test_e001_no_backends(backends: Any) -> None:
    found = only(messages({"BACKEND": FALLBACK, "OPTIONS": {"backends": backends}}))
    assert found.id == "fallback_storage.E001"
    assert found.msg == "STORAGES['default'] has no backends."


def test_e001_an_empty_setting() -> None:
    assert (
        only(messages({"BACKEND": FALLBACK}, FALLBACK_STORAGES=())).id == "fallback_storage.E001"
    )


def test_e002_unknown_alias() -> None:
    found = only(messages(combined("uploads", read_only("prodution"))))
    assert found.id == "fallback_storage.E002"
    assert found.msg == "STORAGES['default']: STORAGES has no 'prodution'."
    assert found.hint == "Did you mean 'production'?"


def test_e002_an_alias_like_no_other() -> None:
    found = only(messages(combined("uploads", read_only("xyz"))))
    assert (found.id, found.hint) == ("fallback_storage.E002", "Add it to STORAGES.")


def test_e003_a_storage_names_itself() -> None:
    found = only(messages(combined("default")))
    assert found.id == "fallback_storage.E003"
    assert "STORAGES['default'] -> STORAGES['default']" in found.msg


def test_e003_two_storages_name_each_other() -> None:
    found = messages(STORAGES={"default": combined("other"), "other": combined("default")})
    assert {message.id for message in found} == {"fallback_storage.E003"}
    assert "STORAGES['default'] -> STORAGES['other'] -> STORAGES['default']" in found[0].msg


def test_e003_the_setting_names_its_own_class() -> None:
    found = only(messages({"BACKEND": FALLBACK}, FALLBACK_STORAGES=[FALLBACK]))
    assert found.id == "fallback_storage.E003"


def test_a_combined_storage_in_another_is_no_circle() -> None:
    inner = {"BACKEND": FALLBACK, "OPTIONS": {"backends": [FILES]}}
    assert messages(combined("uploads", read_only(FALLBACK, OPTIONS=inner["OPTIONS"]))) == []


@pytest.mark.parametrize("path", ["no.such.Storage", "django.core.files.storage.NoSuchStorage"])
def test_e004_a_dotted_path_that_does_not_import(path: str) -> None:
    found = only(messages(combined("uploads", read_only(path))))
    assert found.id == "fallback_storage.E004"
    assert path in found.msg


def test_e004_a_module_that_raises(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "raises_when_imported.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    found = only(messages(combined(read_only("raises_when_imported.Storage"))))
    assert found.id == "fallback_storage.E004"
    assert "ZeroDivisionError" in found.msg


@pytest.mark.parametrize(
    ("storage", "word"),
    [
        (combined("uploads", on_falt="raise"), "on_fault"),
        (combined("uploads", on_fault="rise"), "'raise'"),
        (combined({"BACKEND": "uploads", "READONLY": True}), "READ_ONLY"),
        (combined({"BACKEND": "uploads", "READ_ONLY": "yes"}), "True or False"),
        (combined({"BACKEND": "uploads", "OPTIONS": {"location": "/x"}}), "dotted path"),
        (combined(3), "not int"),
        ({"BACKEND": FALLBACK, "OPTIONS": {"backends": "uploads"}}, "must be a list"),
    ],
)
def test_e005_unknown_options(storage: dict[str, Any], word: str) -> None:
    found = only(messages(storage))
    assert found.id == "fallback_storage.E005"
    assert word in found.msg


@pytest.mark.parametrize("path", sorted(MOVED))
def test_w001_a_path_of_long_ago(path: str) -> None:
    storage = read_only(path, OPTIONS={"client_config": Config(connect_timeout=2, read_timeout=5)})
    found = only(messages(combined("uploads", storage)))
    assert found.id == "fallback_storage.W001"
    assert path in found.msg
    assert "storages.backends.s3.S3Storage" in str(found.hint)


@pytest.mark.parametrize(
    "twice",
    [
        ["uploads", read_only("uploads")],
        ["uploads", read_only(FILES)],
        [FILES, read_only(FILES)],
        [storage := FileSystemStorage(), read_only(storage)],
        ["uploads", read_only("django.core.files.storage.filesystem.FileSystemStorage")],
    ],
)
def test_w002_the_same_storage_twice(twice: list[Any]) -> None:
    found = messages(combined(*twice))
    assert [each.id for each in found] == ["fallback_storage.W002", "fallback_storage.W011"]


def test_one_path_with_different_options_is_not_the_same_storage() -> None:
    other = read_only(FILES, OPTIONS={"location": "/other"})
    found = messages(combined("uploads", other, read_only(InMemoryStorage())))
    assert [each.id for each in found] == ["fallback_storage.W011"]


def test_w011_a_path_of_a_read_only_backend_can_be_written() -> None:
    found = only(messages(combined("production", read_only("uploads"))))
    assert found.id == "fallback_storage.W011"
    assert "permission to write" in str(found.hint)


def test_an_overlay_gives_out_no_path_below() -> None:
    backends = ["production", read_only("uploads")]
    assert messages({"BACKEND": OVERLAY, "OPTIONS": {"backends": backends}}) == []


@pytest.fixture
def default_file_storage(settings: Any) -> Iterator[None]:
    with override_settings():
        vars(settings._wrapped)["DEFAULT_FILE_STORAGE"] = FALLBACK
        yield


# Django 4.2 warns whoever reads it; there the check does not.
@pytest.mark.filterwarnings("ignore:The DEFAULT_FILE_STORAGE setting is deprecated")
@pytest.mark.usefixtures("default_file_storage")
def test_w003_a_setting_that_django_no_longer_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(django, "VERSION", (5, 1))
    (found,) = configuration.unread_setting()
    assert found.id == "fallback_storage.W003"
    assert found.hint


@pytest.mark.usefixtures("default_file_storage")
def test_the_setting_is_fine_where_django_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(django, "VERSION", (4, 2))
    assert configuration.unread_setting() == []


if django.VERSION < (5, 1):

    @pytest.mark.filterwarnings("ignore:The DEFAULT_FILE_STORAGE setting is deprecated")
    def test_where_django_reads_the_setting_it_is_looked_at() -> None:
        with override_settings(DEFAULT_FILE_STORAGE=FALLBACK, FALLBACK_STORAGES=[]):
            found = only([*checks.ERRORS[0]()])
        assert found.id == "fallback_storage.E001"


def test_w004_several_writable_backends() -> None:
    found = only(messages(combined("uploads", "production")))
    assert found.id == "fallback_storage.W004"
    assert "lands in production" in str(found.hint)
    assert '{"BACKEND": \'production\', "READ_ONLY": True}' in str(found.hint)


def test_an_overlay_writes_only_its_first_backend() -> None:
    assert messages(combined("uploads", "production") | {"BACKEND": OVERLAY}) == []


def test_the_storage_of_a_field_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    with isolate_apps("tests"):

        class Report(models.Model):  # noqa: DJ008
            file = models.FileField(storage=FallbackStorage(backends=["uploads", "production"]))
            other = models.FileField()
            title = models.TextField()

            class Meta:
                app_label = "tests"

    monkeypatch.setattr(apps, "get_models", lambda: [Report])
    found = only(messages())
    assert found.id == "fallback_storage.W004"
    assert found.msg.startswith("tests.Report.file: ")


@pytest.mark.parametrize(
    "storages",
    [
        {"default": None},
        {"default": {}},
        {"default": {"BACKEND": None}},
        {"default": {"BACKEND": FALLBACK, "OPTIONS": None}},
        {"default": {"BACKEND": "os.path.join"}},
        {"default": combined("a"), "a": None},
        {"default": combined("a"), "a": {"BACKEND": FILES, "OPTIONS": None}},
        {"default": combined("a"), "a": {"BACKEND": "os.path.join"}},
        {"default": combined("a"), "a": {"BACKEND": S3, "OPTIONS": {"client_config": 3}}},
        {"default": combined("uploads", presence=3)},
        {"default": combined("uploads", presence={"cache": "a"})},
    ],
)
@pytest.mark.parametrize("caches", [{"a": {}}, {"a": {"BACKEND": "a.b"}}, {"a": None}, None])
def test_no_check_raises(storages: Any, caches: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "settings", SimpleNamespace(CACHES=caches))
    with override_storages(storages):
        for check in checks.ERRORS + checks.WARNINGS:
            list(check(app_configs=None))


def test_settings_of_another_shape_are_for_django_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unbuilt, "handler", SimpleNamespace(backends=["default"]))
    assert [list(check()) for check in checks.ERRORS] == [[]] * len(checks.ERRORS)


def test_every_id_stands_once_and_is_documented() -> None:
    modules = Path(checks.__file__).parent.glob("*.py")
    found = [
        id_
        for module in modules
        for id_ in re.findall(r'id="(fallback_storage\.[EW]\d+)"', module.read_text())
    ]
    reference = (Path(__file__).parents[2] / "docs" / "reference.md").read_text()
    assert len(set(found)) == len(found) == len(checks.ERRORS + checks.WARNINGS)
    assert all(f"`{id_}`" in reference for id_ in found)
