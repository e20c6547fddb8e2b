"""What the doctor finds of a backend: each finding, and the state that leads to it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3Storage

from fallback_storage.diagnosis.finding import Finding
from fallback_storage.diagnosis.timeouts import timeouts
from fallback_storage.diagnosis.writing import writing
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import RemoteFaultyStorage
from tests.django.override import override_storages

from .conftest import OVERLAY, Found

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def answered(code: str, status: int = 403) -> ClientError:
    said = {"Code": code, "Message": "s3cr3t"}
    response: Any = {"Error": said, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Any")


@pytest.mark.parametrize(
    ("method", "error", "code", "level", "advice"),
    [
        ("exists", ConnectionRefusedError("s3cr3t"), "unreachable", "problem", "Is its server up"),
        ("exists", PermissionError("s3cr3t"), "denied", "problem", "DENIED_IS_MISSING"),
        ("exists", OSError(errno.EIO, "s3cr3t"), "failed", "problem", "directory"),
        ("exists", ImproperlyConfigured("s3cr3t"), "rejected", "problem", "OPTIONS"),
        ("listdir", NotImplementedError(), "no-listing", "note", ""),
        ("listdir", PermissionError("s3cr3t"), "may-not-list", "note", "ListBucket"),
        ("listdir", answered("s3cr3t"), "may-not-list", "note", "ListBucket"),
        ("listdir", answered("NoSuchBucket", 404), "listing-failed", "problem", "its bucket"),
        ("listdir", answered("s3cr3t", 404), "lists", "well", ""),
        ("listdir", ConnectionResetError("s3cr3t"), "listing-failed", "problem", "server up"),
        ("listdir", answered("ExpiredToken"), "listing-failed", "problem", "get new ones"),
    ],
)
def test_what_a_backend_answers(
    method: str,
    error: Exception,
    code: str,
    level: str,
    advice: str,
    production: RemoteFaultyStorage,
    found: Found,
) -> None:
    production.stage(method, error=error)
    finding = found()[code]
    assert (finding.subject, finding.level) == ("production", level)
    assert advice in finding.advice
    assert "s3cr3t" not in str(finding)


@pytest.mark.parametrize(
    "code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"]
)
def test_why_it_is_denied_is_what_the_listing_says(
    code: str, production: RemoteFaultyStorage, found: Found
) -> None:
    production.stage("exists", error=answered("403"))
    production.stage("listdir", error=answered(code))
    finding = found()["denied"]
    assert code in finding.says
    assert "DENIED_IS_MISSING" not in finding.advice


def test_a_backend_that_answers_is_well_and_its_times_are_told(found: Found) -> None:
    ticks = iter([0.0, 0.25, 1.0, 1.004])
    finding = found(clock=lambda: next(ticks, 2.0))
    assert finding["answers"].level == "well"
    assert finding["lists"].level == "well"


def test_a_server_that_is_down_is_asked_once(
    production: RemoteFaultyStorage, found: Found
) -> None:
    production.refusing()
    found(check_write=True)
    assert [call.method for call in production.calls] == ["exists"]


def test_nothing_is_changed(
    production: RemoteFaultyStorage, uploads: RemoteFaultyStorage, found: Found
) -> None:
    found(check_write=True, name="a.jpg")
    assert production.mutations == uploads.mutations == []


def test_a_slow_answer_is_a_note(found: Found) -> None:
    seconds = count(step=1.5)
    finding = found(clock=lambda: next(seconds))["slow"]
    assert (finding.level, finding.says) == ("note", "answers in 1500.0 ms, then 1500.0 ms")


@pytest.mark.parametrize(("timeout", "code"), [(2, "slow"), (4, "answers")])
def test_slow_is_half_of_the_timeout(
    timeout: float, code: str, production: RemoteFaultyStorage, found: Found
) -> None:
    backends = [{"BACKEND": production, "NAME": "production", "TIMEOUT": timeout}]
    seconds = count(step=1.5)
    with override_storages({"default": {"BACKEND": OVERLAY, "OPTIONS": {"backends": backends}}}):
        findings = found(clock=lambda: next(seconds))
    assert code in findings
    assert findings["timeout"].says == f"TIMEOUT {timeout} s"


def test_a_backend_that_fails_when_asked_again_is_not_well(
    uploads: RemoteFaultyStorage, found: Found
) -> None:
    ticks = count()

    def clock() -> float:
        if (tick := next(ticks)) == 2:
            uploads.refusing()
        return float(tick)

    assert found(clock=clock)["unreachable"].subject == "uploads"


def test_a_storage_that_cannot_be_built(found: Found) -> None:
    broken = {"BACKEND": OVERLAY, "OPTIONS": {"backends": ["gone"]}}
    with override_storages({"default": broken}):
        assert list(found()) == ["cannot-be-built"]


def dated(date: str) -> Exception:
    error = FileNotFoundError("missing")
    error.__cause__ = RuntimeError()
    error.__cause__.response = SimpleNamespace(headers={"Date": date})  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("skew", "says"),
    [
        (timedelta(minutes=17), "1020 s behind its server's"),
        (-timedelta(minutes=2), "120 s ahead of its server's"),
    ],
)
def test_clocks_that_differ(
    skew: timedelta, says: str, production: RemoteFaultyStorage, found: Found
) -> None:
    production.stage("size", error=dated(format_datetime(NOW + skew)))
    finding = found(now=lambda: NOW)["clock-skew"]
    assert (finding.level, finding.subject) == ("problem", "production")
    assert says in finding.says
    assert "NTP" in finding.advice


def test_clocks_that_agree(production: RemoteFaultyStorage, found: Found) -> None:
    production.stage("size", error=dated(format_datetime(NOW + timedelta(seconds=30))))
    assert found(now=lambda: NOW)["clock"].level == "well"


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 27 Nov 2026 12:00:00 -0000"])
def test_of_a_server_without_a_time_nothing_is_found(
    date: str, production: RemoteFaultyStorage, found: Found
) -> None:
    production.stage("size", error=dated(date))
    assert not {"clock", "clock-skew"} & found(now=lambda: NOW).keys()


def test_a_probe_that_exists_tells_no_time(
    production: RemoteFaultyStorage, found: Found, tmp_path: Path
) -> None:
    production.stage("exists", error=FileNotFoundError())
    (tmp_path / "production").mkdir()
    (tmp_path / "production" / "fallback_storage_probe").write_text("x")
    assert "clock" not in found()


LIMITED = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})


@pytest.mark.parametrize(
    ("config", "keys", "expected"),
    [
        (None, {}, {"no-timeout": "note"}),
        (LIMITED, {}, {"timeout": "well"}),
        (LIMITED, {"TIMEOUT": 2}, {"timeout": "well"}),
        (None, {"TIMEOUT": 2}, {"timeout": "well", "unbounded-write": "note"}),
        (None, {"TIMEOUT": 2, "READ_ONLY": True}, {"timeout": "well"}),
    ],
)
def test_what_bounds_a_call(
    config: Config | None, keys: dict[str, Any], expected: dict[str, str]
) -> None:
    s3 = S3Storage(bucket_name="bucket", client_config=config)
    (backend,) = FallbackStorage([{"BACKEND": s3, "NAME": "s3", **keys}]).backends
    assert {each.code: each.level for each in timeouts(backend)} == expected


def of_disk(path: Path, read_only: bool) -> Finding:
    disk = {"BACKEND": FileSystemStorage(path), "NAME": "disk", "READ_ONLY": read_only}
    (backend,) = FallbackStorage([disk]).backends
    (finding,) = writing(backend)
    return finding


Access = Callable[[str, int], bool]


@pytest.mark.parametrize(
    ("access", "read_only", "code", "level"),
    [
        (lambda path, mode: True, True, "can-write", "problem"),
        (lambda path, mode: True, False, "can-write", "well"),
        (lambda path, mode: False, True, "no-write", "well"),
        (lambda path, mode: False, False, "cannot-write", "problem"),
        (lambda path, mode: path.endswith("a.txt"), True, "can-write", "problem"),
    ],
)
def test_the_permissions_of_a_disk(
    access: Access,
    read_only: bool,
    code: str,
    level: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "a.txt").write_text("a")
    monkeypatch.setattr("os.access", access)  # Of root the system says yes to everything.
    finding = of_disk(tmp_path, read_only)
    assert (finding.code, finding.level) == (code, level)


def test_of_a_directory_that_is_not_there_its_parent_is_asked(tmp_path: Path) -> None:
    finding = of_disk(tmp_path / "a" / "b", read_only=False)
    assert finding.code == "can-write"
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_tell_its_permission_is_not_known(found: Found) -> None:
    finding = found(check_write=True)["write-not-known"]
    assert finding.level == "note"
    assert finding.says.startswith("write permission not known")


def test_a_permission_that_cannot_be_asked_is_not_known(tmp_path: Path) -> None:
    class Refusing(FileSystemStorage):
        def path(self, name: str) -> str:
            raise PermissionError("s3cr3t")

    disk = {"BACKEND": Refusing(tmp_path), "NAME": "disk"}
    (finding,) = writing(cast(Any, FallbackStorage([disk]).backends[0]))
    assert finding.says == "write permission not known (denied, PermissionError)"
