"""What the system checks find in settings that a test makes up."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Tags, run_checks
from django.core.files.storage import Storage

from tests.django.override import override_storages

FALLBACK = "fallback_storage.storage.FallbackStorage"
OVERLAY = "fallback_storage.storage.OverlayStorage"
MEMORY = "django.core.files.storage.InMemoryStorage"
FILES = "django.core.files.storage.FileSystemStorage"
S3 = "storages.backends.s3.S3Storage"
AZURE = "storages.backends.azure_storage.AzureStorage"
SFTP = "storages.backends.sftpstorage.SFTPStorage"
FTP = "storages.backends.ftp.FTPStorage"


def messages(default: Any = None, **settings: Any) -> list[CheckMessage]:
    storages = {
        "staticfiles": {"BACKEND": MEMORY},
        "uploads": {"BACKEND": FILES},
        "production": {"BACKEND": MEMORY},
    }
    if default is not None:
        storages["default"] = default
    with override_storages(settings.pop("STORAGES", storages), **settings):
        found = run_checks(tags=[Tags.files])
    # Django runs the checks in the order of a set.
    found.sort(key=lambda message: str(message.id))
    return [message for message in found if str(message.id).startswith("fallback_storage.")]


def combined(*backends: Any, **options: Any) -> dict[str, Any]:
    return {"BACKEND": FALLBACK, "OPTIONS": {"backends": list(backends), **options}}


def read_only(backend: Any, **more: Any) -> dict[str, Any]:
    return {"BACKEND": backend, "READ_ONLY": True, **more}


def only(found: list[CheckMessage]) -> CheckMessage:
    assert len(found) == 1, found
    assert found[0].hint
    return found[0]


def ids(found: list[CheckMessage]) -> list[str]:
    assert all(message.hint for message in found)
    return [str(message.id).removeprefix("fallback_storage.") for message in found]


def _of_another_package(dotted_path: str) -> type[Storage]:
    """A class that stands where a package has its own, which need not be installed here."""
    module, _, name = dotted_path.rpartition(".")
    return type(name, (Storage,), {"__module__": module})


GoogleCloudStorage = _of_another_package("storages.backends.gcloud.GoogleCloudStorage")
TenantFileSystemStorage = _of_another_package(
    "django_tenants.files.storage.TenantFileSystemStorage"
)
GCS = f"{__name__}.GoogleCloudStorage"
TENANT = f"{__name__}.TenantFileSystemStorage"
