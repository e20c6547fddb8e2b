"""The entries of ``backends``: what each says of one backend."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any, Literal, cast

from django.conf import DEFAULT_STORAGE_ALIAS, settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import DefaultStorage, Storage

from fallback_storage.conf import options as mappings
from fallback_storage.conf import values
from fallback_storage.conf.options import BreakerOptions
from fallback_storage.conf.words import refuse_unknown

#: One entry of ``backends``: an alias, a dotted path, a mapping or a storage instance.
Entry = str | Mapping[str, Any] | Storage

#: The two paths of long ago that people still have in ``FALLBACK_STORAGES``.
MOVED = {
    "storages.backends.s3boto.S3BotoStorage": "storages.backends.s3.S3Storage",
    "storages.backends.s3boto3.S3Boto3Storage": "storages.backends.s3.S3Storage",
}

_FLAGS = {"READ_ONLY": "read_only", "DENIED_IS_MISSING": "denied_is_missing"}
_KEYS = frozenset({"BACKEND", "OPTIONS", "NAME", "TIMEOUT", "THREADS", "BREAKER", *_FLAGS})


@dataclass(frozen=True)
class BackendOptions:
    """One entry of ``backends``, before its storage is built.

    ``source`` is an alias of ``STORAGES``, a dotted path or a storage instance; ``timeout`` is in
    seconds; without ``breaker`` a remote backend has the usual one, and with ``False`` none.
    """

    place: str
    source: str | Storage
    name: str
    options: Mapping[str, Any]
    read_only: bool
    denied_is_missing: bool
    timeout: float | None
    threads: int | None
    breaker: BreakerOptions | Literal[False] | None

    @property
    def is_alias(self) -> bool:
        return isinstance(self.source, str) and self.source in settings.STORAGES


def parse_backends(entries: Any, place: str) -> tuple[BackendOptions, ...]:
    """Return what the entries say, each with a name of its own.

    Raises ``ImproperlyConfigured``, naming the place and the nearest known word.
    """
    parsed = parse_each(entries, place)
    for options in parsed:
        if options.options and (options.is_alias or not isinstance(options.source, str)):
            raise ImproperlyConfigured(
                f"{options.place}: OPTIONS go with a dotted path; {_default_name(options)!r} is"
                " configured where it is defined."
            )
    return tuple(_with_own_names(parsed, place))


def parse_each(entries: Any, place: str) -> list[BackendOptions]:
    """Return what the entries say as far as it can be told without the settings."""
    if not isinstance(entries, (list, tuple)):
        found = (
            "is missing" if entries is None else f"must be a list, not {type(entries).__name__}"
        )
        raise ImproperlyConfigured(f"{place} {found}: name the storages to use, in order.")
    if not entries:
        raise ImproperlyConfigured(f"{place} is empty: name at least one storage.")
    return [_parse(entry, f"{place}[{index}]") for index, entry in enumerate(entries)]


def _parse(entry: object, place: str) -> BackendOptions:
    # By its type: default_storage is lazy, and isinstance would build it.
    is_mapping = issubclass(type(entry), Mapping)
    mapping = cast(Mapping[str, Any], entry) if is_mapping else {"BACKEND": entry}
    refuse_unknown(mapping, _KEYS, place, "key")
    source = _source(mapping.get("BACKEND"), place)
    name = mapping.get("NAME", "")
    if not isinstance(name, str) or ("NAME" in mapping and not name):
        raise ImproperlyConfigured(f"{place}: NAME must be a word.")
    return BackendOptions(
        place=place,
        source=source,
        name=name,
        options=values.mapping(mapping.get("OPTIONS", {}), f"{place}: OPTIONS"),
        timeout=_timeout(mapping.get("TIMEOUT"), f"{place}: TIMEOUT"),
        threads=_threads(mapping.get("THREADS"), f"{place}: THREADS"),
        breaker=_breaker(mapping, f"{place}: BREAKER"),
        **{
            field: values.flag(mapping.get(key, False), f"{place}: {key}")
            for key, field in _FLAGS.items()
        },
    )


def _timeout(value: Any, place: str) -> float | None:
    return None if value is None else values.seconds(value, place)


def _threads(value: Any, place: str) -> int | None:
    return None if value is None else values.whole(value, place, "threads", 1)


def _breaker(mapping: Mapping[str, Any], place: str) -> BreakerOptions | Literal[False] | None:
    if "BREAKER" not in mapping:
        return None
    return mappings.breaker(mapping["BREAKER"], place) or False


def _source(source: object, place: str) -> str | Storage:
    if type(source) is DefaultStorage:
        return DEFAULT_STORAGE_ALIAS
    if isinstance(source, Storage) or (isinstance(source, str) and source):
        return source
    if source is None:
        raise ImproperlyConfigured(f"{place}: BACKEND is missing.")
    raise ImproperlyConfigured(
        f"{place}: {type(source).__name__} is no storage. Name an alias of STORAGES, a dotted"
        " path or a mapping with BACKEND, or give a Storage instance."
    )


def _with_own_names(parsed: Iterable[BackendOptions], place: str) -> Iterator[BackendOptions]:
    taken: set[str] = set()
    for options in parsed:
        if options.name in taken:
            raise ImproperlyConfigured(f"{place}: two backends have the NAME {options.name!r}.")
        name = options.name or _numbered(_default_name(options), taken)
        taken.add(name)
        yield replace(options, name=name)


def _default_name(options: BackendOptions) -> str:
    if not isinstance(options.source, str):
        return type(options.source).__name__
    return options.source if options.is_alias else options.source.rpartition(".")[2]


def _numbered(name: str, taken: Collection[str]) -> str:
    numbered = (f"{name}-{number}" for number in count(2))
    return next(candidate for candidate in chain([name], numbered) if candidate not in taken)
