"""Every combined storage that the settings or a model's field name, as it is configured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.db.models import FileField
from django.utils.module_loading import import_string

from fallback_storage.checks.unbuilt import Unbuilt, storages, unbuilt
from fallback_storage.combined.base import CombinedStorage
from fallback_storage.conf import BackendOptions, parse_backends, parse_presence

Messages = Iterator[CheckMessage]


@dataclass(frozen=True)
class Configured:
    """A combined storage as it is configured at ``where``."""

    where: str
    cls: type[CombinedStorage]
    given: Mapping[str, Any]

    @property
    def entries(self) -> Any:
        if self.given.get("backends") is None:
            return getattr(settings, "FALLBACK_STORAGES", None)
        return self.given["backends"]

    @property
    def remembers(self) -> object:
        """Its option ``presence``, whole."""
        with suppress(ImproperlyConfigured):
            return parse_presence(self.given.get("presence"), "presence")
        return self.given["presence"]

    @property
    def backends(self) -> Sequence[BackendOptions]:
        """The backends, none where they cannot be made out: that is a finding of its own."""
        with suppress(ImproperlyConfigured):
            return parse_backends(self.entries, "backends")
        return ()

    @property
    def writable(self) -> Sequence[BackendOptions]:
        """The backends that may be written."""
        backends = self.backends[:1] if self.cls.writes_only_first else self.backends
        return [options for options in backends if not options.read_only]

    @property
    def storages(self) -> Iterator[Unbuilt]:
        """The storages of the backends whose classes can be told."""
        return (found for options in self.backends if (found := unbuilt(options)) is not None)


def of_each(check: Callable[[Configured], Messages]) -> Callable[..., list[CheckMessage]]:
    """Make a check of all combined storages out of a check of one."""

    # Not functools.wraps: Django looks at the signature.
    def run(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
        return [message for configured in _configured() for message in check(configured)]

    run.__name__ = check.__name__
    return run


def _configured() -> Iterator[Configured]:
    """Yield each once, however many fields have it."""
    seen: list[tuple[type, Any, Any]] = []
    for configured in _named():
        key = (configured.cls, configured.entries, configured.remembers)
        if configured.where.startswith("STORAGES[") or key not in seen:
            seen.append(key)
            yield configured


def _named() -> Iterator[Configured]:
    for alias, entry in storages().items():
        if (found := _combined(f"STORAGES[{alias!r}]", entry)) is not None:
            yield found
    for model in apps.get_models():
        for field in model._meta.local_fields:
            # By its type: default_storage is lazy, and isinstance would build it.
            storage: Any = getattr(field, "storage", None)
            if isinstance(field, FileField) and issubclass(type(storage), CombinedStorage):
                yield Configured(str(field), type(storage), _given_to(storage))


def _combined(where: str, entry: Any) -> Configured | None:
    if not isinstance(entry, Mapping):
        return None
    with suppress(Exception):  # Whatever a module raises when imported.
        cls = import_string(entry["BACKEND"])
        if issubclass(cls, CombinedStorage):
            return Configured(where, cls, dict(entry.get("OPTIONS", {})))
    return None


def _given_to(storage: CombinedStorage) -> dict[str, Any]:
    presence = storage.options.presence
    return {
        "backends": storage.options.entries,
        "presence": None if presence is None else asdict(presence),
    }


def combined_backends(configured: Configured) -> Iterator[Configured]:
    """Yield the backends that are combined storages themselves."""
    for storage in configured.storages:
        if issubclass(storage.cls, CombinedStorage) and not storage.is_instance:
            source = storage.options.source
            where = f"STORAGES[{source!r}]" if storage.options.is_alias else str(source)
            yield Configured(where, storage.cls, storage.given)
