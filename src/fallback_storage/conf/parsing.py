"""The entries of ``backends``: what each says of one backend."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, count
from typing import Any, Literal, cast

from django.conf import DEFAULT_STORAGE_ALIAS, settings
from django.core.files.storage import DefaultStorage, Storage
from django.views.decorators.debug import sensitive_variables

from fallback_storage.conf import validation
from fallback_storage.conf.options import BreakerOptions, parse_breaker
from fallback_storage.conf.validation import Validator, optional, refuse, validated

#: One entry of ``backends``: an alias, a dotted path, a mapping or a storage instance.
Entry = str | Mapping[str, Any] | Storage

#: The two paths of long ago that people still have in ``FALLBACK_STORAGES``.
MOVED = {
    "storages.backends.s3boto.S3BotoStorage": "storages.backends.s3.S3Storage",
    "storages.backends.s3boto3.S3Boto3Storage": "storages.backends.s3.S3Storage",
}


@dataclass(frozen=True)
class BackendOptions:
    """One entry of ``backends``, before its storage is built.

    ``source`` is an alias of ``STORAGES``, a dotted path or a storage instance; ``timeout`` is in
    seconds; without ``breaker`` a remote backend has the usual one, and with ``False`` none;
    without ``conditional_writes`` it is found out whether an S3 server honours conditions.
    """

    place: str
    source: str | Storage
    name: str
    #: The ``OPTIONS``, which may hold secrets.
    options: Mapping[str, Any] = field(repr=False)
    read_only: bool
    denied_is_missing: bool
    conditional_writes: bool | None
    timeout: float | None
    threads: int | None
    breaker: BreakerOptions | Literal[False] | None

    @property
    def is_alias(self) -> bool:
        """Whether ``source`` is an alias of ``STORAGES``."""
        return isinstance(self.source, str) and self.source in settings.STORAGES

    @property
    def default_name(self) -> str:
        """The alias, else the last part of the dotted path, else the class of the instance."""
        if not isinstance(self.source, str):
            return type(self.source).__name__
        return self.source if self.is_alias else self.source.rpartition(".")[2]


@sensitive_variables()
def parse_backends(entries: Any, place: str) -> tuple[BackendOptions, ...]:
    """Return what the entries say, each with a name of its own.

    Raises ``ImproperlyConfigured``, naming the place and the nearest known word.
    """
    parsed = parse_each(entries, place)
    for options in parsed:
        if options.options and (options.is_alias or not isinstance(options.source, str)):
            refuse(
                f"{options.place}: OPTIONS",
                "are for a dotted path only",
                f"Set those of {options.default_name!r} where it is defined.",
            )
    return tuple(_with_own_names(parsed, place))


@sensitive_variables()
def parse_each(entries: Any, place: str) -> list[BackendOptions]:
    """Return what the entries say as far as it can be told without the settings."""
    if entries is None:
        refuse(place, "is missing", "List the storages to use, in order.")
    if not isinstance(entries, (list, tuple)):
        kind = type(entries).__name__
        refuse(place, f"must be a list of the storages to use, in order, not {kind}")
    if not entries:
        refuse(place, "is empty", "List at least one storage.")
    return [_parse(entry, f"{place}[{index}]") for index, entry in enumerate(entries)]


def _parse(entry: object, place: str) -> BackendOptions:
    # By its type: default_storage is lazy, and isinstance would build it.
    is_mapping = issubclass(type(entry), Mapping)
    mapping = cast(Mapping[str, Any], entry) if is_mapping else {"BACKEND": _source(entry, place)}
    given = validated(mapping, _KEYS, place, "key")
    if "BACKEND" not in given:
        refuse(f"{place}: BACKEND", "is missing", f"Set it to {_SOURCES}.")
    return BackendOptions(
        place=place,
        source=given["BACKEND"],
        name=given.get("NAME", ""),
        options=given.get("OPTIONS", {}),
        read_only=given.get("READ_ONLY", False),
        denied_is_missing=given.get("DENIED_IS_MISSING", False),
        conditional_writes=given.get("CONDITIONAL_WRITES"),
        timeout=given.get("TIMEOUT"),
        threads=given.get("THREADS"),
        breaker=given.get("BREAKER"),
    )


_SOURCES = "an alias of STORAGES, a dotted path or a Storage instance"


def _source(value: object, place: str) -> str | Storage:
    if type(value) is DefaultStorage:
        return DEFAULT_STORAGE_ALIAS
    if isinstance(value, Storage) or (isinstance(value, str) and value):
        return value
    refuse(place, f"must be {_SOURCES}, not {type(value).__name__}")


def _breaker(value: Any, place: str) -> BreakerOptions | Literal[False]:
    return parse_breaker(value, place) or False


_KEYS: dict[str, Validator] = {
    "BACKEND": _source,
    "OPTIONS": validation.mapping,
    "NAME": validation.text,
    "READ_ONLY": validation.flag,
    "DENIED_IS_MISSING": validation.flag,
    "CONDITIONAL_WRITES": optional(validation.flag),
    "TIMEOUT": optional(validation.seconds),
    "THREADS": optional(partial(validation.whole_number, unit="threads", least=1)),
    "BREAKER": _breaker,
}


def _with_own_names(parsed: Iterable[BackendOptions], place: str) -> Iterator[BackendOptions]:
    taken: set[str] = set()
    for options in parsed:
        if options.name in taken:
            refuse(f"{place}: NAME {options.name!r}", "is given twice", "Give each its own.")
        name = options.name or _numbered(options.default_name, taken)
        taken.add(name)
        yield replace(options, name=name)


def _numbered(name: str, taken: Collection[str]) -> str:
    numbered = (f"{name}-{number}" for number in count(2))
    return next(candidate for candidate in chain([name], numbered) if candidate not in taken)
