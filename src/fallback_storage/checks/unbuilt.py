"""The storage of a backend, as far as it can be told without building it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.files.storage import storages as handler
from django.utils.module_loading import import_string

from fallback_storage.backend.adapters import Adapter, adapter_class
from fallback_storage.conf import MOVED, BackendOptions


@dataclass(frozen=True)
class Unbuilt:
    """A storage as it would be built: its class, and what that is given."""

    options: BackendOptions
    cls: type
    given: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.options.name

    @property
    def is_instance(self) -> bool:
        """Whether it is built after all, by whoever gave it."""
        return not isinstance(self.options.source, str)

    @property
    def adapter(self) -> type[Adapter]:
        """What is known of its class."""
        return adapter_class(self.cls)

    @property
    def has_client_timeouts(self) -> bool:
        """Whether its client is given every timeout that bounds a call."""
        return self.adapter.has_timeouts(self.option)

    def option(self, option: str, setting: str) -> Any:
        """Return what it would have for an option, in the order that django-storages looks."""
        if self.is_instance:
            return getattr(self.options.source, option, None)
        if option in self.given:
            return self.given[option]
        found = getattr(self.cls, option, self._defaults.get(option))
        return getattr(settings, setting, None) if found is None else found

    @cached_property
    def _defaults(self) -> Mapping[str, Any]:
        """What its ``get_default_settings`` returns; it may need more than its class."""
        with suppress(Exception):
            return dict(self.cls.get_default_settings(object.__new__(self.cls)))  # type: ignore[attr-defined]
        return {}


def unbuilt(options: BackendOptions) -> Unbuilt | None:
    """Return the storage of a backend; ``None`` where its class is a finding of its own."""
    source = options.source
    if not isinstance(source, str):
        return Unbuilt(options, type(source), {})
    with suppress(Exception):  # Whatever a module raises when imported.
        entry: Any = {"BACKEND": MOVED.get(source, source), "OPTIONS": options.options}
        if options.is_alias:
            entry = storages()[source]
        return Unbuilt(options, _class(entry["BACKEND"]), dict(entry.get("OPTIONS", {})))
    return None


def _class(dotted_path: str) -> type:
    cls = import_string(dotted_path)
    if not isinstance(cls, type):
        raise TypeError(f"{dotted_path} makes its storage itself.")
    return cls


def storages() -> Mapping[str, Any]:
    """Return ``STORAGES``, empty where it is no mapping: that is for Django to refuse."""
    # Not from the settings: Django 4.2 puts those in that DEFAULT_FILE_STORAGE names.
    found: object = handler.backends
    return found if isinstance(found, Mapping) else {}
