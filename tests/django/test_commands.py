"""``manage.py storage_status`` and ``storage_explain``: what they print, and how they end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from io import StringIO
from typing import Any, cast

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command, load_command_class
from django.core.management.base import CommandError

from fallback_storage.resilience.breaker import Breaker
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage

from .override import override_storages

FALLBACK = "fallback_storage.storage.FallbackStorage"


@pytest.fixture(autouse=True)
def configured(uploads: FaultyStorage, production: RemoteFaultyStorage) -> Iterator[None]:
    disk = {"BACKEND": uploads, "NAME": "disk"}
    cloud = {"BACKEND": production, "NAME": "cloud", "READ_ONLY": True, "TIMEOUT": 30}
    default = {"BACKEND": FALLBACK, "OPTIONS": {"backends": [disk, cloud]}}
    broken = {"BACKEND": FALLBACK, "OPTIONS": {"backends": ["gone"]}}
    files = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    with override_storages({"default": default, "broken": broken, "files": files}):
        yield


@pytest.fixture
def breaker() -> Breaker:
    return cast(Breaker, cast(FallbackStorage, storages["default"]).backends[1].breaker)


def run(*arguments: str, ends: int = 0, **options: Any) -> str:
    """Run a command, and return what it printed."""
    out = StringIO()
    failing = pytest.raises(CommandError) if ends else nullcontext()
    with failing as caught:
        call_command(*arguments, stdout=out, no_color=True, **options)
    assert getattr(getattr(caught, "value", None), "returncode", 0) == ends
    return out.getvalue()


def columns(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


def test_status_is_a_table() -> None:
    table, asked_nothing = run("storage_status", "default").split("\n\n")
    assert [columns(line) for line in table.splitlines()] == [
        columns("NAME  CLASS  MODE  BREAKER  CALLS  FAULTS  STUCK  THREADS  TIMEOUT  LAST ERROR"),
        ["default", "FallbackStorage"],
        ["disk", "FaultyStorage", "writable", *"------", "-"],
        ["cloud", "RemoteFaultyStorage", "read-only", "closed", *"0008", "30 s", "-"],
    ]
    assert asked_nothing.startswith("This process has asked nothing yet: --probe asks")


def test_status_is_aligned() -> None:
    head, default, disk, cloud = run("storage_status", "default").splitlines()[:4]
    assert head.index("CLASS") == default.index("F") == disk.index("F") == cloud.index("R")
    assert head.index("LAST ERROR") == disk.rindex("-") == cloud.rindex("-")
    assert disk.startswith("  disk ")


def test_status_of_a_process_that_has_asked(production: RemoteFaultyStorage) -> None:
    production.stage("exists", error=ConnectionResetError("s3cr3t"))
    with pytest.raises(ConnectionResetError):
        storages["default"].exists("a.txt")
    printed = run("storage_status", "default")
    cloud = columns(printed.splitlines()[-1])
    assert cloud[3:] == ["closed", "1", "1", "0", "8", "30 s", "ConnectionResetError"]
    assert "s3cr3t" not in printed


def test_status_of_an_open_breaker(breaker: Breaker) -> None:
    for _ in range(5):
        breaker.faulted(cast(int, breaker.permit()))
    cloud = columns(run("storage_status", "default", ends=1).splitlines()[3])
    assert re.fullmatch(r"open, \d+\.\d s", cloud[3])


def test_status_of_a_breaker_that_was_forced_open(breaker: Breaker) -> None:
    breaker.force_open()
    with pytest.raises(CommandError, match=r"^Not well: default/cloud, its breaker is open\.$"):
        call_command("storage_status", "default", stdout=(out := StringIO()))
    assert "open, forced" in out.getvalue()


def test_status_with_a_probe(production: RemoteFaultyStorage) -> None:
    production.stage("exists", error=ConnectionResetError("s3cr3t"))
    printed = run("storage_status", "default", "--probe", ends=1)
    head, _, disk, cloud = printed.splitlines()
    assert columns(head)[-1] == "PROBE"
    assert re.fullmatch(r"answer \(\d+\.\d ms\)", columns(disk)[-1])
    assert re.fullmatch(r"unreachable \(\d+\.\d ms, ConnectionResetError\)", columns(cloud)[-1])
    with pytest.raises(CommandError, match="default/cloud, its probe: unreachable") as caught:
        call_command("storage_status", "default", "--probe", stdout=StringIO())
    assert "s3cr3t" not in printed + str(caught.value)


def test_status_of_a_storage_that_cannot_be_built() -> None:
    lines = run("storage_status", ends=1).splitlines()
    told = ["broken", "FallbackStorage", "cannot be built: ImproperlyConfigured"]
    assert told in [columns(line) for line in lines]


def test_status_is_in_colour_where_it_is_asked_for(breaker: Breaker) -> None:
    calm = StringIO()
    call_command("storage_status", "default", stdout=calm, force_color=True)
    breaker.force_open()
    alarmed = StringIO()
    with pytest.raises(CommandError):
        call_command("storage_status", "default", stdout=alarmed, force_color=True)
    assert "\x1b[31;1mopen, forced\x1b[0m" in alarmed.getvalue()
    assert "\x1b[31" not in calm.getvalue()
    assert "\x1b" not in run("storage_status", "default", ends=1)


def test_status_as_json() -> None:
    told = json.loads(run("storage_status", "default", "--json"))
    assert told["is_healthy"]
    (default,) = told["storages"]
    assert default["backends"][1]["breaker"] == "closed"


def test_status_as_json_also_where_it_fails(production: RemoteFaultyStorage) -> None:
    production.refusing()
    told = json.loads(run("storage_status", "--json", "--probe", ends=1))
    assert not told["is_healthy"]
    default, broken = told["storages"]
    assert default["backends"][1]["probe"]["error_type"] == "ConnectionRefusedError"
    assert broken["error"] == "ImproperlyConfigured"


def test_status_of_an_unknown_alias() -> None:
    with pytest.raises(CommandError, match=r"'defalt'\. Did you mean 'default'\?") as caught:
        call_command("storage_status", "defalt")
    assert caught.value.returncode == 2


def test_status_where_there_is_nothing_to_tell() -> None:
    with override_storages({}):
        assert run("storage_status") == "STORAGES has no combined storage.\n"


def test_explain_says_who_serves_a_name(production: RemoteFaultyStorage) -> None:
    production.wrapped.save("a.txt", ContentFile(b"abc"))
    lines = run("storage_explain", "a.txt").splitlines()
    assert lines[0] == "'a.txt': served by cloud: disk said missing"
    assert lines[1].startswith("  disk: missing (")
    assert lines[2].startswith("  cloud: answer (")


def test_explain_where_nobody_has_it() -> None:
    assert "not served: no backend has it" in run("storage_explain", "a.txt", ends=1)


def test_explain_where_it_is_not_known(production: RemoteFaultyStorage) -> None:
    production.refusing()
    assert "not served: cloud could not answer" in run("storage_explain", "a.txt", ends=1)


def test_explain_as_json(production: RemoteFaultyStorage) -> None:
    production.wrapped.save("a.txt", ContentFile(b"abc"))
    told = json.loads(run("storage_explain", "a.txt", "--json"))
    assert (told["name"], told["served_by"]) == ("a.txt", "cloud")
    assert [answer["outcome"] for answer in told["answers"]] == ["missing", "answer"]
    assert told["answers"][1]["modified"].endswith("Z")


@pytest.mark.parametrize(
    ("arguments", "words", "returncode"),
    [
        (["../a.txt"], "is no name of a file", 2),
        (["a.txt", "--storage=files"], "'files'.*Known: broken, default", 2),
        (["a.txt", "--storage=brocken"], "Did you mean 'broken'", 2),
        (["a.txt", "--storage=broken"], "'broken' cannot be built: ImproperlyConfigured", 1),
    ],
)
def test_explain_says_what_is_wrong(arguments: list[str], words: str, returncode: int) -> None:
    with pytest.raises(CommandError, match=words) as caught:
        call_command("storage_explain", *arguments)
    assert caught.value.returncode == returncode


def test_explain_where_there_is_nothing_to_explain() -> None:
    with (
        override_storages({}),
        pytest.raises(CommandError, match="STORAGES has no combined storage"),
    ):
        call_command("storage_explain", "a.txt")


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("storage_status default", 0),
        ("storage_status", 1),
        ("storage_status defalt", 2),
        ("storage_status --prob_", 2),
        ("storage_explain nowhere.txt", 1),
        ("storage_explain", 2),
        ("storage_explain ../a.txt", 2),
    ],
)
def test_the_exit_status(line: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    name, *arguments = line.split()
    command = load_command_class("fallback_storage", name)
    with pytest.raises(SystemExit) if status else nullcontext() as caught:
        command.run_from_argv(["manage.py", name, *arguments])
    assert getattr(getattr(caught, "value", None), "code", 0) == status
    assert bool(capsys.readouterr().err) is bool(status)
