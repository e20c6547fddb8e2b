"""Settings and ``OPTIONS`` become one frozen configuration, or an error that names the place."""

from __future__ import annotations

from fallback_storage.conf.keywords import takes_options
from fallback_storage.conf.options import (
    BreakerOptions,
    PresenceOptions,
    Promotion,
    parse_presence,
)
from fallback_storage.conf.parsing import MOVED, BackendOptions, Entry, parse_backends
from fallback_storage.conf.storage import Generation, StorageOptions, storage_options
from fallback_storage.conf.validation import did_you_mean, refuse_unknown

__all__ = [
    "MOVED",
    "BackendOptions",
    "BreakerOptions",
    "Entry",
    "Generation",
    "PresenceOptions",
    "Promotion",
    "StorageOptions",
    "did_you_mean",
    "parse_backends",
    "parse_presence",
    "refuse_unknown",
    "storage_options",
    "takes_options",
]
