"""Amazon's S3, and servers that speak its protocol, by django-storages."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.core.files.base import File

from fallback_storage.backend.adapters.base import Adapter, Client, SkipIf
from fallback_storage.outcomes import class_paths, http_status

# Precondition failed; conflict with another conditional request, which wins.
_TAKEN = frozenset({409, 412})


class S3(Adapter):
    """S3Storage: an upload is one request, which happens or does not."""

    atomic_save = True
    downloads_whole = True
    thread_safe = True
    client = Client(
        hangs="for 180 s",
        option="client_config",
        setting="AWS_S3_CLIENT_CONFIG",
        keys=("connect_timeout", "read_timeout"),
        advice='"client_config": botocore.config.Config(connect_timeout=2, read_timeout=5,'
        ' retries={"total_max_attempts": 1}), or the setting AWS_S3_CLIENT_CONFIG',
    )

    def exists(self, name: str) -> bool:
        if not name:
            raise NotImplementedError("The root of a bucket is no object.")
        exists: bool = self.storage.exists(name)
        return exists

    def open_checks_existence(self, file: Any) -> bool:
        return "storages.backends.s3.S3File" in class_paths(file)  # It sends a HEAD when built.

    def refuses_mode(self, mode: str) -> bool:
        return "a" in mode or "+" in mode

    @cached_property
    def can_create(self) -> bool:
        # A subclass may store in another way.
        return self.keeps("_save", "_open", "exists", "delete") and not self.storage.gzip

    def create(self, name: str, content: File[bytes], skip_if: SkipIf) -> str | None:
        if not self.can_create:
            return super().create(name, content, skip_if)
        if skip_if and skip_if():
            return None
        storage = self.storage
        key = storage._normalize_name(name)
        parameters = storage._get_write_parameters(key, content)
        try:
            storage.bucket.Object(key).put(Body=content, IfNoneMatch="*", **parameters)
        except Exception as error:
            if http_status(error) in _TAKEN:
                return None
            raise
        return name

    @classmethod
    def transfers_in_threads(cls, option: Callable[[str, str], Any]) -> bool:
        config = option("transfer_config", "AWS_S3_TRANSFER_CONFIG")
        if config is None:
            return option("use_threads", "AWS_S3_USE_THREADS") is not False
        return bool(getattr(config, "use_threads", True))
