"""Azure's blob storage by django-storages."""

from __future__ import annotations

import copy
from typing import ClassVar
from urllib.parse import parse_qs

from django.core.files.base import File

from fallback_storage.backend.adapters.asking import is_found
from fallback_storage.backend.adapters.client import Client
from fallback_storage.backend.adapters.conditional import Conditional
from fallback_storage.backend.permission import Permission, Writing

# How the service says that a blob is there already.
_TAKEN = frozenset({"BlobAlreadyExists", "UnauthorizedBlobOverwrite"})
# Add, create, delete, move, write, and delete versions or for good.
_SAS_WRITES = frozenset("acdmwxy")
_SAS = "SharedAccessSignature="


class Azure(Conditional):
    """AzureStorage: an upload is one request, which happens or does not."""

    atomic_save = True
    downloads_whole = True
    thread_safe = True
    client: ClassVar[Client | None] = Client(
        hangs="for 326 s",
        option="client_options",
        setting="AZURE_CLIENT_OPTIONS",
        keys=("connection_timeout", "read_timeout"),
        advice='"client_options": {"connection_timeout": 2, "read_timeout": 5, "retry_total": 0},'
        " or the setting AZURE_CLIENT_OPTIONS; with a connection_string both are ignored",
        overridden_by=("connection_string", "AZURE_CONNECTION_STRING"),
    )

    def refuses_mode(self, mode: str) -> bool:
        # It uploads the whole blob when the file is closed.
        return "w" not in mode and not self.storage.overwrite_files

    def _create(self, name: str, content: File[bytes]) -> str:
        storage = copy.copy(self.storage)
        storage.overwrite_files = False
        return str(storage._save(name, content))

    def _says_taken(self, error: Exception) -> bool:
        return getattr(error, "error_code", None) in _TAKEN

    def exists(self, name: str) -> bool:
        # The same request; its own takes a missing container for "no".
        return not name or is_found(lambda: self.storage.size(name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        # Its own gives full names, of all that lies below, and the root's whatever its location.
        storage = self.storage
        prefix = "".join(f"{part}/" for part in (storage.location.strip("/"), path) if part)
        blobs = storage.client.walk_blobs(name_starts_with=prefix, timeout=storage.timeout)
        names = [blob.name.removeprefix(prefix) for blob in blobs]
        directories = [name.rstrip("/") for name in names if name.endswith("/")]
        return directories, [name for name in names if not name.endswith("/")]

    def write_permission(self) -> Permission:
        """Look at the credentials: an account key may do everything, a SAS says what it may."""
        if self.storage.account_key:
            return Permission(Writing.CAN, "an account key can write")
        connection = self.storage.connection_string or ""
        sas = connection.partition(_SAS)[2].split(";")[0] or self.storage.sas_token
        if not sas:
            return Permission(Writing.UNKNOWN, "neither an account key nor a SAS is configured")
        permissions = parse_qs(sas.lstrip("?")).get("sp")
        if permissions is None:
            return Permission(Writing.UNKNOWN, "its SAS has no sp: a stored policy says more")
        if _SAS_WRITES.isdisjoint(permissions[0]):
            return Permission(Writing.NOT_SEEN, "the sp of its SAS has no permission to write")
        return Permission(Writing.CAN, "the sp of its SAS has a permission to write")
