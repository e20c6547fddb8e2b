"""What the clients of remote storages do while their server does not answer, by their class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fallback_storage.checks.unbuilt import Unbuilt


@dataclass(frozen=True)
class Client:
    """The client library of a remote storage; without ``option`` it has no timeouts of its own.

    ``hangs`` is how long a call takes with the defaults, as measured. ``option`` and ``setting``
    hold the timeouts, which are the ``keys`` there, unless ``overridden_by`` another option, and
    ``advice`` says what to write.
    """

    hangs: str
    option: str = ""
    setting: str = ""
    keys: tuple[str, ...] = ()
    advice: str = ""
    overridden_by: tuple[str, str] | None = None
    bears_threads: bool = True

    def has_timeouts(self, storage: Unbuilt) -> bool:
        """Whether the storage is given every timeout that bounds a call."""
        if not self.keys:
            return False
        if self.overridden_by and storage.option(*self.overridden_by) is not None:
            return False
        given = _mapping(storage.option(self.option, self.setting))
        return all(given.get(key) is not None for key in self.keys)


def _mapping(value: Any) -> Mapping[str, Any]:
    # A botocore Config has a value for everything; this is what it was given.
    given = getattr(value, "_user_provided_options", value)
    return given if isinstance(given, Mapping) else {}


_CLIENTS = {
    "storages.backends.s3.S3Storage": Client(
        hangs="for 180 s",
        option="client_config",
        setting="AWS_S3_CLIENT_CONFIG",
        keys=("connect_timeout", "read_timeout"),
        advice='"client_config": botocore.config.Config(connect_timeout=2, read_timeout=5,'
        ' retries={"total_max_attempts": 1}), or the setting AWS_S3_CLIENT_CONFIG',
    ),
    "storages.backends.azure_storage.AzureStorage": Client(
        hangs="for 326 s",
        option="client_options",
        setting="AZURE_CLIENT_OPTIONS",
        keys=("connection_timeout", "read_timeout"),
        advice='"client_options": {"connection_timeout": 2, "read_timeout": 5, "retry_total": 0},'
        " or the setting AZURE_CLIENT_OPTIONS; with a connection_string both are ignored",
        overridden_by=("connection_string", "AZURE_CONNECTION_STRING"),
    ),
    "storages.backends.gcloud.GoogleCloudStorage": Client(hangs="for 121 s"),
    "storages.backends.sftpstorage.SFTPStorage": Client(
        hangs="for 133 s",
        option="params",
        setting="SFTP_STORAGE_PARAMS",
        keys=("timeout",),  # The two others have defaults.
        advice='"params": {…, "timeout": 2, "banner_timeout": 2, "auth_timeout": 2}, or the'
        " setting SFTP_STORAGE_PARAMS",
        bears_threads=False,
    ),
    "storages.backends.ftp.FTPStorage": Client(hangs="for ever", bears_threads=False),
}


def client_of(storage: Unbuilt) -> Client | None:
    """Return the client of a storage whose class is known here."""
    return next((_CLIENTS[path] for path in storage.class_paths if path in _CLIENTS), None)


def transfers_in_threads(storage: Unbuilt) -> bool:
    """Whether a storage is S3's, and its client transfers files in threads of its own."""
    if "storages.backends.s3.S3Storage" not in storage.class_paths:
        return False
    config = storage.option("transfer_config", "AWS_S3_TRANSFER_CONFIG")
    if config is None:
        return storage.option("use_threads", "AWS_S3_USE_THREADS") is not False
    return bool(getattr(config, "use_threads", True))


# Packages whose storages ask the database, or ask what belongs to a thread which tenant it is for.
_BOUND_TO_A_THREAD = frozenset(
    {
        "binary_database_files",
        "database_files",
        "db_file_storage",
        "dbfiles",
        "dbfilestorage",
        "dbstorage",
        "django_dbstorage",
        "django_single_table_db_storage",
        "django_tenants",
        "easy_tenants",
        "tenant_schemas",
    }
)


def bound_to_a_thread(storage: Unbuilt) -> str | None:
    """Return the class that uses what a thread has for itself, as a database connection."""
    bound = (path for path in storage.class_paths if path.split(".")[0] in _BOUND_TO_A_THREAD)
    return next(bound, None)
