"""``manage.py storage_doctor``: what it prints, and how it ends."""

from __future__ import annotations

import json
from contextlib import nullcontext
from io import StringIO
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command, load_command_class
from django.core.management.base import CommandError
from django.db import OperationalError

from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage
from tests.django.models import Document
from tests.django.override import override_storages

from .conftest import OVERLAY

pytestmark = pytest.mark.django_db

NAME = "photos/a.jpg"
MODEL = "archive.Document.file"


def run(*arguments: str, ends: int = 0) -> str:
    """Run the command; return what it printed, and what it ended with."""
    out = StringIO()
    with pytest.raises(CommandError) if ends else nullcontext() as caught:
        call_command("storage_doctor", *arguments, stdout=out, no_color=True)
    error = getattr(caught, "value", None)
    assert getattr(error, "returncode", 0) == ends
    return out.getvalue() + (str(error) if error else "")


def test_all_is_well_in_a_few_lines(production: RemoteFaultyStorage) -> None:
    production.wrapped.save(NAME, ContentFile(b"picture"))
    printed = run("--name", NAME).splitlines()
    assert printed[0] == "default (OverlayStorage)"
    assert printed[1].startswith("  uploads: answers in ")
    assert "/media/photos/a.jpg answers with the same 7 bytes" in printed[3]
    assert printed[4] == "  MEDIA_URL: /media/ is served by views.serve"
    assert len(printed) == 5


def test_what_is_wrong_comes_with_what_to_do(production: RemoteFaultyStorage) -> None:
    production.refusing()
    printed = run("--name", NAME, ends=1).splitlines()
    assert printed[2].startswith("  wrong  production: unreachable (ConnectionRefusedError, ")
    assert printed[3].startswith("         Is its server up")
    assert printed[-1] == f"Not well: default/production: unreachable; default/{NAME}: not-known."
    assert len(printed) <= 10


def test_a_note_without_advice_is_one_line(production: RemoteFaultyStorage) -> None:
    production.stage("listdir", error=NotImplementedError())
    assert "  note  production: has no listing: listdir() raises.\n  MEDIA_URL" in run()


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in run("--name", "a\x1b[31m.jpg", ends=1)


def test_json_and_nothing_else(production: RemoteFaultyStorage) -> None:
    production.refusing()
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("storage_doctor", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert not told["is_healthy"]
    (default,) = told["storages"]
    assert (default["alias"], default["is_healthy"]) == ("default", False)
    codes = [each["code"] for each in default["findings"]]
    assert codes == ["answers", "lists", "unreachable", "media-url-served"]


def test_permissions_are_asked_for_on_request() -> None:
    assert "write permission" not in run()
    assert "write permission not known" in run("--check-write")


def test_media_url_is_the_default_storage_s(production: RemoteFaultyStorage) -> None:
    other = {
        "BACKEND": "fallback_storage.storage.FallbackStorage",
        "OPTIONS": {"backends": [production]},
    }
    with override_storages({"other": other}):
        assert "MEDIA_URL" not in run("other")


def test_a_random_row_s_file_is_looked_for(production: RemoteFaultyStorage) -> None:
    production.wrapped.save(NAME, ContentFile(b"picture"))
    Document.objects.create(title="without a file")
    Document.objects.create(file=NAME)
    assert f"{NAME}: served by production" in run("--model", MODEL)
    assert f"{NAME}: served by production" in run("default", "--model", MODEL)


def test_only_the_storage_of_the_field_is_asked(uploads: FaultyStorage) -> None:
    broken = {"BACKEND": "no.such.Storage"}
    other = {"BACKEND": OVERLAY, "OPTIONS": {"backends": [uploads]}}
    fallback = "fallback_storage.storage.FallbackStorage"
    default = {"BACKEND": fallback, "OPTIONS": {"backends": [uploads]}}
    Document.objects.create(file=NAME)
    with override_storages({"broken": broken, "other": other, "default": default}):
        assert "default/photos/a.jpg: nowhere" in run("--model", MODEL, ends=1)


def test_there_may_be_no_row() -> None:
    assert f"No row of {MODEL} has a file" in run("--model", MODEL, ends=1)


def test_there_may_be_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any) -> None:
        raise OperationalError("s3cr3t")

    monkeypatch.setattr("django.db.models.query.QuerySet.first", down)
    assert "The database could not be asked: OperationalError." in run("--model", MODEL, ends=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["defalt"], "Did you mean 'default'"),
        (["--name", "../a.jpg"], "is no name of a file"),
        (["--model", "archive.Document.titel"], "There is no field"),
        (["--model", "Document"], "There is no field"),
        (["--model", "archive.Document.title"], "is no FileField"),
        (["--base-url", "example.com"], "must begin with http"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str) -> None:
    assert words in run(*arguments, ends=2)


def test_a_field_of_another_storage(production: RemoteFaultyStorage) -> None:
    memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    with override_storages({"default": memory}):
        assert "is no combined storage" in run("--model", MODEL, ends=2)
        assert run() == "STORAGES has no combined storage.\n"


@pytest.mark.parametrize(
    ("line", "status"),
    [("", 0), ("--name nowhere.jpg", 1), ("--name a --model b", 2), ("--wrong", 2)],
)
def test_the_exit_status(line: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    command = load_command_class("fallback_storage", "storage_doctor")
    with pytest.raises(SystemExit) if status else nullcontext() as caught:
        command.run_from_argv(["manage.py", "storage_doctor", *line.split()])
    assert getattr(getattr(caught, "value", None), "code", 0) == status
    assert bool(capsys.readouterr().err) is bool(status)
