"""What an HTTPStorage takes, refuses, shows, and writes into migrations."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.migrations.writer import MigrationWriter
from django.test import override_settings
from django.utils.module_loading import import_string

from fallback_storage.backend.adapters import adapter_for
from fallback_storage.conf.validation import MAX_SECONDS
from fallback_storage.http import HTTPStorage, UnexpectedAnswer
from fallback_storage.http.options import HTTPOptions
from fallback_storage.storage import FallbackStorage

URL = "https://media.example.org/media/"
DURATIONS = ["connect_timeout", "read_timeout", "deadline", "missing_ttl"]


def test_a_url_is_all_it_takes() -> None:
    storage = HTTPStorage(base_url="https://media.example.org/media")
    assert storage.options.base_url == URL
    assert repr(storage) == f"<HTTPStorage: {URL}>"


def test_nothing_given_for_an_option_is_its_default() -> None:
    assert HTTPStorage(URL, index=None, basic_auth=None).options == HTTPStorage(URL).options


def test_every_option_can_be_given() -> None:
    given: dict[str, Any] = {
        "allow_http": True,
        "redirects": "same-host",
        "connect_timeout": 1,
        "read_timeout": 2.5,
        "deadline": 10,
        "max_size": 1000,
        "spool_size": 10,
        "headers": {"X-Api-Key": "sesame"},
        "basic_auth": ["user", "password"],
        "expect": ["Image/*"],
        "probe": False,
        "missing_ttl": 0,
        "index": str,
        "clock": float,
    }
    options = vars(HTTPStorage(URL, **given).options)
    kept = given | {"base_url": URL, "basic_auth": ("user", "password"), "expect": ("image/*",)}
    assert options == kept


@pytest.mark.parametrize(
    ("base_url", "problem"),
    [
        (None, "base_url is missing"),
        ("", "must be a URL such as https://"),
        (1, "must be a URL such as https://"),
        ("media.example.org/media/", "must be a URL such as https://"),
        ("ftp://media.example.org/", "must be a URL such as https://"),
        ("https:///media/", "must be a URL such as https://"),
        ("https://[::1/media/", "must be a URL such as https://"),
        ("https://media.example.org:port/", "must be a URL such as https://"),
        ("https://media.example.org:0/", "must be a URL such as https://"),
        ("http://media.example.org/", "allow_http=True"),
        ("https://user:sesame@media.example.org/", "basic_auth="),
        ("https://sesame@media.example.org/", "basic_auth="),
        ("https://media.example.org/?sesame", "neither a query nor a fragment"),
        ("https://media.example.org/#", "neither a query nor a fragment"),
        ("https://media.example.org/größe/", "Percent-encode"),
        ("https://media.example.org/a b/", "Percent-encode"),
        ("https://media.example.org/\n", "Percent-encode"),
        ("https://media.example.org\\@evil.example/", "Percent-encode"),
        ("https://media.example.org//media/", "without '//'"),
        ("https://media.example.org/media/../", "'..'"),
    ],
)
def test_a_base_url_that_will_not_do(base_url: Any, problem: str) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        HTTPStorage(base_url=base_url)
    assert str(error.value).startswith("HTTPStorage: base_url ")
    assert problem in str(error.value)
    assert "sesame" not in str(error.value)


def test_an_at_sign_in_the_path_is_no_user() -> None:
    assert HTTPStorage("https://media.example.org/@me/").url("a") == (
        "https://media.example.org/@me/a"
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("allow_http", 1),
        ("probe", None),
        ("redirects", True),
        ("redirects", 0),
        ("redirects", "any"),
        ("connect_timeout", 0),
        ("connect_timeout", True),
        ("read_timeout", "10"),
        ("read_timeout", float("nan")),
        ("deadline", float("inf")),
        ("deadline", None),
        *((option, MAX_SECONDS + 1) for option in DURATIONS),
        *((option, -0.1) for option in DURATIONS),
        ("max_size", 0),
        ("max_size", 1.5),
        ("max_size", True),
        ("spool_size", None),
        ("headers", ["sesame"]),
        ("headers", {"X Key": "sesame"}),
        ("headers", {1: "sesame"}),
        ("headers", {"X-Key": "sesame\r\nX-Other: 1"}),
        ("headers", {"X-Key": "sesame…"}),
        ("headers", {"X-Key": b"sesame"}),
        ("headers", {"range": "sesame"}),
        ("headers", {"Accept-Encoding": "sesame"}),
        ("basic_auth", "user:sesame"),
        ("basic_auth", ("sesame",)),
        ("basic_auth", ("a", None)),
        ("basic_auth", ("user:", "sesame")),
        ("expect", None),
        ("expect", ["jpeg"]),
        ("expect", [1]),
        ("expect", 1),
        ("index", ["a"]),
        ("clock", None),
    ],
)
def test_a_value_that_will_not_do_is_named_and_not_shown(option: str, value: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"^HTTPStorage: {option}\S* must ") as error:
        HTTPStorage(URL, **{option: value})
    assert "sesame" not in str(error.value)
    assert error.value.__cause__ is None


def test_basic_auth_and_an_authorization_header_exclude_each_other() -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        HTTPStorage(URL, basic_auth=("a", "b"), headers={"authorization": "Bearer sesame"})
    said = "HTTPStorage: set basic_auth or an Authorization header, not both."
    assert str(error.value) == said


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(ImproperlyConfigured, match="Did you mean 'read_timeout'"):
        HTTPStorage(URL, **cast(Any, {"read_timeot": 1}))


def test_a_subclass_is_named_itself() -> None:
    class Media(HTTPStorage):
        pass

    with pytest.raises(ImproperlyConfigured, match=r"^Media: "):
        Media()


def test_without_urllib3_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("client", "transport"):
        monkeypatch.delitem(sys.modules, f"fallback_storage.http.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "urllib3", None)
    with pytest.raises(ImproperlyConfigured, match=r"django-fallback-storage\[http\]"):
        HTTPStorage(URL)


def test_the_arguments_come_back() -> None:
    storage = HTTPStorage(URL, expect=("image/*",), redirects="same-host", headers={})
    path, args, kwargs = storage.deconstruct()
    assert path == "fallback_storage.http.HTTPStorage"
    args, kwargs = json.loads(json.dumps([args, kwargs]))
    assert import_string(path)(*args, **kwargs).options == storage.options


def test_every_reference_to_the_class_has_its_public_path() -> None:
    for cls in (HTTPStorage, UnexpectedAnswer):
        path = f"{cls.__module__}.{cls.__qualname__}"
        assert path == f"fallback_storage.http.{cls.__name__}"
        assert import_string(path) is cls
    assert b"fallback_storage.http.storage" not in pickle.dumps(HTTPStorage(URL))


def test_several_threads_may_ask_it() -> None:
    adapter = adapter_for(HTTPStorage(URL))
    assert adapter.exact
    assert adapter.thread_safe


def test_a_migration_can_be_written() -> None:
    field = models.FileField(storage=HTTPStorage(base_url=URL))
    text, imports = MigrationWriter.serialize(field)
    assert f"fallback_storage.http.HTTPStorage(base_url='{URL}')" in text
    assert "import fallback_storage.http" in imports


SECRETS = [("headers", {"Cookie": "sesame"}), ("basic_auth", ("user", "sesame"))]


@pytest.mark.parametrize(("option", "value"), SECRETS)
def test_a_secret_is_not_written_into_a_migration(option: str, value: Any) -> None:
    inline = {
        "BACKEND": "fallback_storage.http.HTTPStorage",
        "OPTIONS": {"base_url": URL, option: value},
    }
    storage = HTTPStorage(base_url=URL, **{option: value})
    for each in (storage, FallbackStorage([storage]), FallbackStorage([inline])):
        with pytest.raises(ImproperlyConfigured, match="name its alias") as error:
            each.deconstruct()
        assert option in str(error.value)
        assert "sesame" not in str(error.value)


def test_every_option_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "http.md").read_text()
    table = page.partition("## Options")[2].partition("## ")[0]
    documented = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert documented == [each.name for each in fields(HTTPOptions)]


@pytest.mark.parametrize("option", ["index", "clock"])
def test_a_function_is_not_written_into_a_migration(option: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{option}: a type cannot be written"):
        HTTPStorage(base_url=URL, **cast(Any, {option: float})).deconstruct()


@pytest.mark.parametrize(("option", "value"), [*SECRETS, ("index", partial(print, "sesame"))])
def test_a_secret_is_not_shown(option: str, value: Any) -> None:
    storage = HTTPStorage(base_url=URL, **{option: value})
    assert "sesame" not in f"{storage!r} {storage.options!r} {storage}"


REPORT = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
sys.path.insert(0, os.getcwd())
import django
django.setup()
from django.views.debug import ExceptionReporter
from fallback_storage.http import HTTPStorage
try:
    HTTPStorage(base_url={url!r}, **{options!r})
except Exception:
    # Of the storage's own frames: this one is its caller's.
    kind, error, traceback = sys.exc_info()
    reporter = ExceptionReporter(None, kind, error, traceback.tb_next)
print(reporter.get_traceback_text(), reporter.get_traceback_html())
"""


@pytest.mark.parametrize(("option", "value"), SECRETS)
def test_a_secret_is_not_in_djangos_report_of_an_error(option: str, value: Any) -> None:
    """In a process of its own, where nothing else has looked at a frame."""
    script = REPORT.format(url=URL, options={option: value, "deadline": "soon"})
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "deadline must be a number of seconds" in done.stdout, done.stderr
    assert "sesame" not in done.stdout


def test_it_is_configured_in_settings() -> None:
    site = {"BACKEND": "fallback_storage.http.HTTPStorage", "OPTIONS": {"base_url": URL}}
    memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    with override_settings(STORAGES={"default": memory, "production": site}):
        storage = FallbackStorage(backends=["default", "production"])
        assert storage.url("a") == URL + "a"
