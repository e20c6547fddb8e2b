"""What a combined storage was given, as one frozen configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

from fallback_storage.conf import options as mappings
from fallback_storage.conf.options import PresenceOptions, Promotion
from fallback_storage.conf.parsing import BackendOptions, Entry, parse_backends, parse_each
from fallback_storage.conf.words import refuse_unknown

_SETTINGS = frozenset(
    {"STORAGES", "FALLBACK_STORAGES", "DEFAULT_FILE_STORAGE", "STATIC_ROOT", "STATIC_URL"}
)


@dataclass(frozen=True)
class StorageOptions:
    """What a combined storage was given; without ``entries`` the setting serves."""

    entries: Sequence[Entry] | None
    on_fault: str
    delete: str
    promotion: Promotion | None
    presence: PresenceOptions | None

    def backends(self) -> tuple[BackendOptions, ...]:
        """Return the backends, from ``FALLBACK_STORAGES`` where none were given."""
        if self.entries is not None:
            return parse_backends(self.entries, "backends")
        return parse_backends(getattr(settings, "FALLBACK_STORAGES", None), "FALLBACK_STORAGES")


def storage_options(
    cls: type,
    policies: Mapping[str, Sequence[str]],
    entries: Sequence[Entry] | None,
    given: Mapping[str, Any],
) -> StorageOptions:
    """Return the options of a combined storage; ``policies`` maps each to the values it takes.

    Raises ``ImproperlyConfigured`` for another option or value.
    """
    choices = {option: values for option, values in policies.items() if len(values) > 1}
    known = ["backends", "promote", "presence", *choices]
    refuse_unknown(given, known, cls.__name__, "option")
    if entries is not None:
        parse_each(entries, f"{cls.__name__}: backends")
    for option, values in choices.items():
        _refuse_other(given.get(option, values[0]), values, f"{cls.__name__}: {option}")
    chosen = {option: given.get(option, values[0]) for option, values in policies.items()}
    return StorageOptions(
        entries=entries,
        promotion=mappings.promotion(given.get("promote", False), f"{cls.__name__}: promote"),
        presence=mappings.presence(given.get("presence"), f"{cls.__name__}: presence"),
        **chosen,
    )


def _refuse_other(value: Any, values: Sequence[str], option: str) -> None:
    if value not in values:
        known = ", ".join(repr(known) for known in values)
        raise ImproperlyConfigured(f"{option}={value!r} is none of {known}.")


class Generation:
    """``number`` grows when the settings change that storages are built from."""

    number = 0


@receiver(setting_changed)
def _count_change(*, setting: str, **kwargs: object) -> None:
    if setting in _SETTINGS:
        Generation.number += 1
