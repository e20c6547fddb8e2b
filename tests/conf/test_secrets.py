"""A secret in ``OPTIONS`` is not shown: in no ``repr``, message, or report of an error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, cast

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
        FallbackStorage([MEMORY], **cast(Any, {option: SECRET}))
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


@pytest.mark.parametrize(
    "key",
    [
        *("apikey", "api_key", "ApiKey", "secretkey", "secret_key", "accessKey", "account_key"),
        *("pwd", "db_pwd", "password", "passwd", "userpassword", "passphrase", "credential"),
        *("credentials", "sas", "sas_token", "signature", "dsn", "sentry_dsn", "authtoken"),
    ],
)
def test_what_is_named_as_a_secret_goes_into_no_migration(key: str) -> None:
    storage = FallbackStorage(backends=[{"BACKEND": MEMORY, "OPTIONS": {key: SECRET}}])
    with pytest.raises(ImproperlyConfigured, match="looks like a secret") as caught:
        storage.deconstruct()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        *(f"https://{SECRET}@host/", f"https://user:{SECRET}@host/", f"s3://:{SECRET}@host"),
        *(f"https://host/?sig={SECRET}", f"https://host/?a=1&X-Amz-Signature={SECRET}"),
        *(f"https://host/?token={SECRET}", f"https://host/?auth_token={SECRET}"),
    ],
)
def test_a_url_that_holds_a_secret_goes_into_no_migration(url: str) -> None:
    storage = FallbackStorage(backends=[{"BACKEND": MEMORY, "OPTIONS": {"endpoint": url}}])
    with pytest.raises(ImproperlyConfigured, match="holds a password or a token") as caught:
        storage.deconstruct()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"location": "media", "base_url": "https://media.example.org/a@b/?size=1"},
        {"bucket_name": "keys", "querystring_auth": True, "compassion": "yes"},
        {"secret_key": "", "token": None},
    ],
)
def test_what_is_no_secret_goes_into_a_migration(options: dict[str, Any]) -> None:
    storage = FallbackStorage(backends=[{"BACKEND": MEMORY, "OPTIONS": options}])
    assert storage.deconstruct()[2]["backends"][0]["OPTIONS"] == options
