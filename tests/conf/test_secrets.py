"""A secret in ``OPTIONS`` is not shown: in no ``repr``, message, or report of an error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.views.debug import ExceptionReporter

from fallback_storage.storage import FallbackStorage, OverlayStorage

SECRET = "sesame"
MEMORY = "django.core.files.storage.InMemoryStorage"
FALLBACK = "fallback_storage.storage.FallbackStorage"
HTTP = "fallback_storage.http.HTTPStorage"
S3 = "storages.backends.s3.S3Storage"
CLASSES = (FallbackStorage, OverlayStorage)


def backends(**other: Any) -> list[Any]:
    """Backends with the secret in their ``OPTIONS``, and in those of a backend of a backend."""
    options = {"base_url": "https://example.org/", "headers": {"X-Api-Key": SECRET}}
    inner = {
        "BACKEND": FALLBACK,
        "OPTIONS": {
            "backends": [
                {"BACKEND": S3, "OPTIONS": {"secret_key": SECRET}, **other},
                {"BACKEND": HTTP, "OPTIONS": options, **other},
            ]
        },
    }
    return [MEMORY, inner, {"BACKEND": S3, "OPTIONS": {"secret_key": SECRET}, "NAME": "last"}]


@pytest.mark.parametrize("cls", CLASSES)
def test_no_repr_shows_a_secret(cls: Any) -> None:
    storage = cls(backends())
    inner = FallbackStorage(backends()[1]["OPTIONS"]["backends"])
    for each in (storage, inner):
        shown = f"{each!r} {each} {each.options!r} {each.options.backends()!r}"
        assert "S3Storage" in shown
        assert SECRET not in shown


@pytest.mark.parametrize("cls", CLASSES)
def test_equal_options_are_equal_whatever_they_show(cls: Any) -> None:
    assert cls(backends()).options == cls(backends()).options
    assert cls(backends()).options != cls(backends(TIMEOUT=1)).options


MISTAKES: list[Any] = [
    SECRET,
    {"BACKEND": S3, "OPTIONS": {"secret_key": SECRET}},
    [{"BACKEND": S3, "OPTIONS": [("secret_key", SECRET)]}],
    [{"BACKEND": S3, "OPTIONS": {"secret_key": SECRET}, "TIMEOUT": SECRET}],
    [{"BACKEND": S3, "OPTIONS": {"secret_key": SECRET}, "BREAKER": {"failures": SECRET}}],
    [{"BACKEND": S3, "OPTIONS": {"secret_key": SECRET}, "READONLY": SECRET}],
    [{"OPTIONS": {"secret_key": SECRET}}],
    [{"BACKEND": {"OPTIONS": {"secret_key": SECRET}}}],
    [MEMORY, ["secret_key", SECRET]],
]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("mistaken", MISTAKES)
def test_no_mistake_shows_a_secret(cls: Any, mistaken: Any) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        cls(mistaken)
    assert "backends" in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("option", ["on_fault", "promote", "presence"])
def test_no_mistake_in_a_policy_shows_its_value(option: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{option} must be") as error:
        FallbackStorage([MEMORY], **{option: SECRET})
    assert SECRET not in str(error.value)


def test_no_mistake_deep_inside_shows_a_secret() -> None:
    storage = FallbackStorage(backends(TIMEOUT=SECRET))
    with pytest.raises(ImproperlyConfigured, match="TIMEOUT must be a number of seconds") as error:
        storage.exists("a.txt")
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("mistake", [{"TIMEOUT": "soon"}, {"OPTIONS": [1]}, {"READONLY": 1}])
def test_djangos_error_report_shows_no_secret(mistake: Any) -> None:
    """Without ``DEBUG``, which is for the eyes of a developer: there Django hides nothing."""
    mistaken = [*backends(), {"BACKEND": MEMORY, **mistake}]
    with override_settings(DEBUG=False, FALLBACK_STORAGES=mistaken):
        del mistaken, mistake
        report = report_of(lambda: FallbackStorage().exists("a.txt"))
    assert "ImproperlyConfigured" in report
    assert SECRET not in report


def report_of(call: Callable[[], object]) -> str:
    """Return what Django mails and shows of the error that `call` raises."""
    try:
        call()
    except ImproperlyConfigured:
        reporter = ExceptionReporter(None, *sys.exc_info())
    return str(reporter.get_traceback_text() + reporter.get_traceback_html())
