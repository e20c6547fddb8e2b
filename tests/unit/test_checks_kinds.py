"""What the checks see of each kind of storage, and how often they say it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config
from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps
from storages.backends.s3 import S3Storage

from fallback_storage.storage import FallbackStorage

from .findings import FALLBACK, FILES, MEMORY, OVERLAY, combined, messages, only, read_only


class WithDefaults(S3Storage):  # type: ignore[misc]
    """Sets its client's timeouts where django-storages has its defaults."""

    def get_default_settings(self) -> dict[str, Any]:
        config = Config(connect_timeout=1, read_timeout=1)
        return {**super().get_default_settings(), "client_config": config}


class WithDefaultsOfItself(WithDefaults):
    def get_default_settings(self) -> dict[str, Any]:
        return {**super().get_default_settings(), "region_name": self.region}


def test_the_timeouts_of_get_default_settings_are_seen() -> None:
    path = f"{__name__}.WithDefaults"
    assert messages(combined("uploads", read_only(path))) == []
    found = only(messages(combined("uploads", read_only(f"{path}OfItself"))))
    assert found.id == "fallback_storage.W005"  # What they are only an instance could tell.


def test_two_storages_in_memory_are_two() -> None:
    storages = {
        "a": {"BACKEND": MEMORY},
        "b": {"BACKEND": MEMORY},
        "default": combined("a", read_only("b")),
    }
    assert messages(STORAGES=storages) == []
    storages["default"] = combined(MEMORY, read_only(MEMORY))
    assert messages(STORAGES=storages) == []
    storages["default"] = combined("a", read_only("a"))
    assert only(messages(STORAGES=storages)).id == "fallback_storage.W002"


def test_e007_an_alias_whose_class_does_not_import() -> None:
    entries: list[Any] = [{"BACKEND": "no.such.Storage"}, {"BACKEND": f"{__name__}.only"}]
    for entry in [*entries, {"OPTIONS": {}}]:
        storages = {"a": entry, "default": combined(MEMORY, read_only("a"))}
        found = only(messages(STORAGES=storages))
        assert found.id == "fallback_storage.E007"
        assert "STORAGES['a']" in found.msg


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"base_url": "ftp://x/"}, "base_url"),
        ({"base_url": "https://x.example/", "dedline": 3}, "deadline"),
        ({}, "base_url"),
    ],
)
def test_e008_the_options_of_an_http_storage(options: dict[str, Any], word: str) -> None:
    http = {"BACKEND": "fallback_storage.http.HTTPStorage", "OPTIONS": options}
    storages = {"site": http, "default": combined(MEMORY, read_only("site"))}
    for found in (
        only(messages(STORAGES=storages)),
        only(messages(combined(MEMORY, read_only(http["BACKEND"], OPTIONS=options)))),
    ):
        assert found.id == "fallback_storage.E008"
        assert word in found.msg


def test_an_http_storage_with_right_options_has_no_finding() -> None:
    options = {"base_url": "https://media.example.org/"}
    http = read_only("fallback_storage.http.HTTPStorage", OPTIONS=options)
    assert messages(combined(MEMORY, http)) == []


def test_w012_static_files_on_a_combined_storage() -> None:
    storages = {
        "uploads": {"BACKEND": FILES},
        "staticfiles": combined("uploads", read_only(MEMORY)),
    }
    found = only(messages(STORAGES=storages))
    assert found.id == "fallback_storage.W012"


@pytest.mark.parametrize(
    ("cls", "alias", "media_url", "debug", "says"),
    [
        (OVERLAY, "default", "/disk/", False, "Django's own view serves /disk/"),
        (OVERLAY, "default", "/disk/", True, "Django's own view serves /disk/"),
        (OVERLAY, "default", "/other/", True, "no view serves /other/"),
        (OVERLAY, "default", "/other/", False, None),
        (OVERLAY, "default", "/media/", True, None),
        (OVERLAY, "default", "https://media.example/disk/", True, None),
        (OVERLAY, "default", "", True, None),
        (OVERLAY, "another", "/disk/", True, None),
        (FALLBACK, "default", "/disk/", True, None),
    ],
)
def test_w013_media_url_past_an_overlay(
    cls: str, alias: str, media_url: str, debug: bool, says: str | None
) -> None:
    backends = ["uploads", read_only("production")]
    storages = {
        "default": {"BACKEND": FILES},
        "staticfiles": {"BACKEND": MEMORY},
        "uploads": {"BACKEND": FILES},
        "production": {"BACKEND": MEMORY},
        alias: {"BACKEND": cls, "OPTIONS": {"backends": backends}},
    }
    urlconf = "tests.diagnosis.urls"
    found = messages(STORAGES=storages, MEDIA_URL=media_url, DEBUG=debug, ROOT_URLCONF=urlconf)
    if says is None:
        assert found == []
    else:
        message = only(found)
        assert message.id == "fallback_storage.W013"
        assert says in message.msg
        assert "view=serve" in str(message.hint)


def test_w013_leaves_a_broken_urlconf_to_django() -> None:
    overlay = {"BACKEND": OVERLAY, "OPTIONS": {"backends": ["uploads", "production"]}}
    assert messages(overlay, MEDIA_URL="/disk/", DEBUG=True, ROOT_URLCONF="no.such.module") == []


@isolate_apps("tests.unit")
def test_a_storage_of_several_fields_is_one_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def storage(**options: Any) -> FallbackStorage:
        return FallbackStorage(backends=["uploads", "production"], **options)

    class Document(models.Model):
        first = models.FileField(storage=storage())
        second = models.FileField(storage=storage())
        other = models.FileField(storage=storage(presence={"cache": "nowhere"}))

        class Meta:
            app_label = "tests"

        def __str__(self) -> str:
            return str(self.first)

    monkeypatch.setattr(apps, "get_models", lambda: [Document])
    found = [(message.id, message.msg) for message in messages()]
    assert [each for each, _ in found] == [
        "fallback_storage.E006",
        "fallback_storage.W004",
        "fallback_storage.W004",
    ]
    assert not any("second" in text for _, text in found)


def test_a_presence_that_cannot_be_made_out_is_one_finding_and_no_error() -> None:
    found = only(messages(combined("uploads", read_only("production"), presence=3)))
    assert found.id == "fallback_storage.E005"
