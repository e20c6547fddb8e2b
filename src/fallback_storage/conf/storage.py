"""What a combined storage was given, as one frozen configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.views.decorators.debug import sensitive_variables

from fallback_storage.conf import validation
from fallback_storage.conf.options import (
    PresenceOptions,
    Promotion,
    parse_presence,
    parse_promotion,
)
from fallback_storage.conf.parsing import BackendOptions, Entry, parse_backends, parse_each
from fallback_storage.conf.validation import Validator, optional, validated

_SETTINGS = frozenset(
    {"STORAGES", "FALLBACK_STORAGES", "DEFAULT_FILE_STORAGE", "STATIC_ROOT", "STATIC_URL"}
)


# Some applications build a storage from its dotted path, and give it nothing.
_WITHOUT_BACKENDS = (
    "A combined storage that is given no backends uses it. Where an alias can be named, name one"
    ' of STORAGES such as {"BACKEND": "fallback_storage.storage.FallbackStorage", "OPTIONS":'
    ' {"backends": ["first", "second"]}}. Where only a dotted path can be, set FALLBACK_STORAGES ='
    ' ["first", "second"].'
)


@dataclass(frozen=True)
class StorageOptions:
    """What a combined storage was given; without ``entries`` the setting serves."""

    #: As they were given: with ``OPTIONS``, which may hold secrets.
    entries: Sequence[Entry] | None = field(repr=False)
    on_fault: str
    delete: str
    promotion: Promotion | None
    presence: PresenceOptions | None

    @sensitive_variables()
    def backends(self) -> tuple[BackendOptions, ...]:
        """Return the backends, from ``FALLBACK_STORAGES`` where none were given."""
        if self.entries is not None:
            return parse_backends(self.entries, "backends")
        entries = getattr(settings, "FALLBACK_STORAGES", None)
        if entries is None:
            validation.refuse("The setting FALLBACK_STORAGES", "is missing", _WITHOUT_BACKENDS)
        return parse_backends(entries, "FALLBACK_STORAGES")


@sensitive_variables()
def storage_options(
    cls: type,
    policies: Mapping[str, Sequence[str]],
    entries: Sequence[Entry] | None,
    given: Mapping[str, Any],
) -> StorageOptions:
    """Return the options of a combined storage; ``policies`` maps each to the values it takes.

    Raises ``ImproperlyConfigured`` for another option or value.
    """
    choices = {
        policy: partial(validation.choice, choices=values)
        for policy, values in policies.items()
        if len(values) > 1
    }
    known: dict[str, Validator] = {
        "backends": optional(parse_each),
        "promote": parse_promotion,
        "presence": parse_presence,
        **choices,
    }
    found = validated({"backends": entries, **given}, known, cls.__name__, "option")
    return StorageOptions(
        entries=entries,
        promotion=found.get("promote"),
        presence=found.get("presence"),
        **{policy: found.get(policy, values[0]) for policy, values in policies.items()},
    )


class Generation:
    """``number`` grows when the settings change that storages are built from."""

    number = 0


@receiver(setting_changed)
def _count_change(*, setting: str, **kwargs: object) -> None:
    if setting in _SETTINGS:
        Generation.number += 1
