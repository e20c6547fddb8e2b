"""The cache that remembers which backend holds a name: one finding, one hint."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps

from fallback_storage.storage import FallbackStorage

from .findings import combined, messages, only, read_only

BACKENDS = "django.core.cache.backends"
CACHES = {
    "default": {"BACKEND": f"{BACKENDS}.locmem.LocMemCache"},
    "shared": {"BACKEND": f"{BACKENDS}.db.DatabaseCache"},
    "none": {"BACKEND": f"{BACKENDS}.dummy.DummyCache"},
    "typo": {"BACKEND": "no.such.Cache"},
}


def found(presence: Any, **settings: Any) -> Any:
    settings.setdefault("CACHES", CACHES)
    storage = combined("uploads", read_only("production"), presence=presence)
    return messages(storage, **settings)


def test_e006_a_cache_that_is_not_there() -> None:
    finding = only(found({"cache": "shard"}))
    assert finding.id == "fallback_storage.E006"
    assert "'shard'" in finding.msg
    assert finding.hint == "Did you mean 'shared'?"


def test_e006_a_cache_like_no_other() -> None:
    assert only(found({"cache": "xyz"})).hint == "Add it to CACHES."


def test_w010_each_process_remembers_by_itself() -> None:
    finding = only(found({"found": 600, "missing": 30}))
    assert finding.id == "fallback_storage.W010"
    assert finding.msg.endswith("for up to 600 s.")


def test_w010_nothing_is_remembered() -> None:
    finding = only(found({"cache": "none"}))
    assert finding.id == "fallback_storage.W010"
    assert "keeps nothing" in finding.msg


@pytest.mark.parametrize("presence", [None, {"cache": "shared"}])
def test_a_shared_cache_has_no_finding(presence: Any) -> None:
    assert found(presence) == []


def test_what_a_cache_is_that_does_not_import_is_for_django_to_say() -> None:
    assert found({"cache": "typo"}) == []


def test_presence_of_another_shape_is_a_finding_of_its_own() -> None:
    assert only(found({"cash": "shared"})).id == "fallback_storage.E005"


def test_the_storage_of_a_field_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = FallbackStorage(["uploads", read_only("production")], presence={"cache": "gone"})
    with isolate_apps("tests"):

        class Report(models.Model):  # noqa: DJ008
            file = models.FileField(storage=storage)

            class Meta:
                app_label = "tests"

    monkeypatch.setattr(apps, "get_models", lambda: [Report])
    assert only(messages()).id == "fallback_storage.E006"
