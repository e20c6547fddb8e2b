"""Backends that may hang, and threads that must not share them: one finding, one hint."""

from __future__ import annotations

from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3Storage
from storages.backends.sftpstorage import SFTPStorage

from .findings import (
    AZURE,
    FILES,
    FTP,
    GCS,
    MEMORY,
    OVERLAY,
    S3,
    SFTP,
    TENANT,
    combined,
    ids,
    messages,
    only,
    read_only,
)

BOTH = Config(connect_timeout=2, read_timeout=5)
NO_THREADS = TransferConfig(use_threads=False)
BOUNDED = {
    S3: {"client_config": BOTH, "transfer_config": NO_THREADS},
    AZURE: {"client_options": {"connection_timeout": 2, "read_timeout": 5}},
    SFTP: {"params": {"timeout": 2}},
}


class Quick(S3Storage):  # type: ignore[misc]
    """Has its timeouts from its class."""

    client_config = BOTH


class Uploads(S3Storage):  # type: ignore[misc]
    """Has none."""


QUICK, UPLOADS = f"{__name__}.Quick", f"{__name__}.Uploads"


def found(path: str, /, given: Any = None, **more: Any) -> list[str]:
    """The ids of what is found about a read-only backend behind a disk."""
    return ids(messages(combined("uploads", read_only(path, OPTIONS=given or {}, **more))))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (S3, ["180 s", "client_config", "AWS_S3_CLIENT_CONFIG"]),
        (AZURE, ["326 s", "client_options", "AZURE_CLIENT_OPTIONS", "connection_string"]),
        (GCS, ["121 s", "has no timeouts of its own"]),
        (SFTP, ["133 s", "params", "banner_timeout", "auth_timeout", "SFTP_STORAGE_PARAMS"]),
        (FTP, ["for ever", "has no timeouts of its own"]),
    ],
)
def test_w005_says_how_long_it_hangs_and_what_to_set(path: str, words: list[str]) -> None:
    told = messages(combined("uploads", read_only(path, THREADS=1)))
    finding = only(told)
    assert finding.id == "fallback_storage.W005"
    assert '"TIMEOUT": 2' in str(finding.hint)
    assert [word for word in words if word not in f"{finding.msg} {finding.hint}"] == []


@pytest.mark.parametrize("path", [S3, AZURE, GCS, SFTP, FTP])
def test_a_deadline_is_enough_for_a_backend_that_is_only_read(path: str) -> None:
    assert found(path, {"transfer_config": NO_THREADS}, TIMEOUT=2) == []


@pytest.mark.parametrize("path", [S3, AZURE, SFTP])
def test_so_are_the_timeouts_of_its_client(path: str) -> None:
    assert found(path, BOUNDED[path], THREADS=1) == []


@pytest.mark.parametrize(
    ("path", "given"),
    [
        (S3, {"client_config": None}),
        (S3, {"client_config": Config()}),
        (S3, {"client_config": Config(connect_timeout=2)}),
        (S3, {"client_config": Config(connect_timeout=2, read_timeout=None)}),
        (S3, {"client_config": "Config()"}),
        (AZURE, {"client_options": {"read_timeout": 5}}),
        (AZURE, {**BOUNDED[AZURE], "connection_string": "AccountName=a"}),
        (SFTP, {"params": {"banner_timeout": 2, "auth_timeout": 2}}),
    ],
)
def test_w005_where_only_a_part_is_bounded(path: str, given: dict[str, Any]) -> None:
    assert found(path, given, THREADS=1) == ["W005"]


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        (S3, {"AWS_S3_CLIENT_CONFIG": BOTH}),
        (AZURE, {"AZURE_CLIENT_OPTIONS": BOUNDED[AZURE]["client_options"]}),
        (SFTP, {"SFTP_STORAGE_PARAMS": BOUNDED[SFTP]["params"]}),
    ],
)
def test_the_settings_of_django_storages_are_read(path: str, settings: dict[str, Any]) -> None:
    assert messages(combined("uploads", read_only(path, THREADS=1)), **settings) == []


def test_a_subclass_is_known_and_what_it_sets_itself() -> None:
    assert found(UPLOADS) == ["W005"]
    assert found(QUICK) == []
    assert found(QUICK, {"client_config": Config()}) == ["W005"]


def test_a_storage_behind_an_alias_is_looked_at() -> None:
    storages = {
        "default": combined(read_only("one"), read_only("two")),
        "one": {"BACKEND": S3, "OPTIONS": BOUNDED[S3]},
        "two": {"BACKEND": S3},
    }
    finding = only(messages(STORAGES=storages))
    assert finding.msg.startswith("STORAGES['default']: two has no timeout.")


def test_a_storage_that_is_built_already_is_asked() -> None:
    assert ids(messages(combined("uploads", read_only(S3Storage())))) == ["W005"]
    assert messages(combined("uploads", read_only(S3Storage(client_config=BOTH)))) == []
    shared = read_only(SFTPStorage(host="a", params={"timeout": 2}), THREADS=1)
    assert messages(combined("uploads", shared)) == []


def test_a_storage_outside_of_a_combined_one_is_none_of_ours() -> None:
    assert messages(STORAGES={"default": {"BACKEND": S3}}) == []


def test_http_storage_has_timeouts_of_its_own() -> None:
    http = "fallback_storage.http.HTTPStorage"
    assert found(http, {"base_url": "https://example.com/"}) == []


def test_a_storage_that_nothing_is_known_of_has_no_finding() -> None:
    assert found(MEMORY) == []


@pytest.mark.parametrize("path", [S3, AZURE, SFTP])
def test_w006_a_deadline_does_not_bound_writes(path: str) -> None:
    backend = {"BACKEND": path, "OPTIONS": {"transfer_config": NO_THREADS}, "TIMEOUT": 2}
    finding = only(messages(combined(backend)))
    assert finding.id == "fallback_storage.W006"
    assert next(iter(BOUNDED[path])) in str(finding.hint)


@pytest.mark.parametrize("path", [S3, AZURE, SFTP])
def test_the_timeouts_of_its_client_do(path: str) -> None:
    assert messages(combined({"BACKEND": path, "OPTIONS": BOUNDED[path], "TIMEOUT": 2})) == []


@pytest.mark.parametrize("path", [GCS, FTP, FILES])
def test_what_cannot_be_set_is_not_asked_for(path: str) -> None:
    assert messages(combined({"BACKEND": path, "TIMEOUT": 2})) == []


def test_the_lower_backends_of_an_overlay_are_not_written() -> None:
    lower = {"BACKEND": S3, "OPTIONS": {"transfer_config": NO_THREADS}, "TIMEOUT": 2}
    assert messages(combined("uploads", lower) | {"BACKEND": OVERLAY}) == []


@pytest.mark.parametrize(
    "given", [{}, {"transfer_config": TransferConfig()}, {"transfer_config": None}]
)
def test_w007_transfer_threads_hold_up_the_exit(given: dict[str, Any]) -> None:
    backend = read_only(S3, OPTIONS={"client_config": BOTH, **given}, TIMEOUT=2)
    finding = only(messages(combined("uploads", backend)))
    assert finding.id == "fallback_storage.W007"
    assert "use_threads=False" in str(finding.hint)
    assert "21.7 s" in finding.msg


def test_transfers_without_threads_do_not() -> None:
    assert found(S3, BOUNDED[S3], TIMEOUT=2) == []
    assert found(S3, {"client_config": BOTH, "use_threads": False}, TIMEOUT=2) == []
    backend = read_only(S3, OPTIONS={"client_config": BOTH}, TIMEOUT=2)
    assert messages(combined("uploads", backend), AWS_S3_TRANSFER_CONFIG=NO_THREADS) == []


def test_without_a_deadline_nobody_leaves_a_transfer_behind() -> None:
    assert found(S3, {"client_config": BOTH}) == []


@pytest.mark.parametrize("key", [{"TIMEOUT": 2}, {"THREADS": 1}])
def test_w008_a_tenant_is_not_known_in_another_thread(key: dict[str, int]) -> None:
    finding = only(messages(combined({"BACKEND": TENANT, **key})))
    assert finding.id == "fallback_storage.W008"
    assert "django_tenants.files.storage.TenantFileSystemStorage" in finding.msg


def test_asked_where_the_request_is_a_tenant_is_known() -> None:
    assert messages(combined(TENANT)) == []
    assert messages(combined({"BACKEND": FileSystemStorage(), "TIMEOUT": 2})) == []


@pytest.mark.parametrize("path", [SFTP, FTP])
@pytest.mark.parametrize("keys", [{"THREADS": 2}, {"TIMEOUT": 2, "THREADS": 8}])
def test_w009_threads_must_not_share_a_connection(path: str, keys: dict[str, int]) -> None:
    told = found(path, BOUNDED.get(path), **keys)
    assert [each for each in told if each != "W005"] == ["W009"]


def test_w009_nor_those_of_the_site() -> None:
    finding = only(messages(combined("uploads", read_only(SFTP, OPTIONS=BOUNDED[SFTP]))))
    assert finding.id == "fallback_storage.W009"
    assert '"THREADS": 1' in str(finding.hint)
