"""Settings and ``OPTIONS`` become one frozen configuration, or an error that names the place."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import chain, count
from typing import Any, cast

from django.conf import DEFAULT_STORAGE_ALIAS, settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import DefaultStorage, Storage
from django.core.signals import setting_changed
from django.dispatch import receiver

#: One entry of ``backends``: an alias, a dotted path, a mapping or a storage instance.
Entry = str | Mapping[str, Any] | Storage

#: The two paths of long ago that people still have in ``FALLBACK_STORAGES``.
MOVED = {
    "storages.backends.s3boto.S3BotoStorage": "storages.backends.s3.S3Storage",
    "storages.backends.s3boto3.S3Boto3Storage": "storages.backends.s3.S3Storage",
}

_FLAGS = {"READ_ONLY": "read_only", "DENIED_IS_MISSING": "denied_is_missing"}
_KEYS = frozenset({"BACKEND", "OPTIONS", "NAME", *_FLAGS})
_SETTINGS = frozenset(
    {"STORAGES", "FALLBACK_STORAGES", "DEFAULT_FILE_STORAGE", "STATIC_ROOT", "STATIC_URL"}
)


@dataclass(frozen=True)
class BackendOptions:
    """One entry of ``backends``, before its storage is built.

    ``source`` is an alias of ``STORAGES``, a dotted path or a storage instance.
    """

    place: str
    source: str | Storage
    name: str
    options: Mapping[str, Any]
    read_only: bool
    denied_is_missing: bool

    @property
    def is_alias(self) -> bool:
        return isinstance(self.source, str) and self.source in settings.STORAGES


@dataclass(frozen=True)
class Promotion:
    """Which files a read copies up: at most ``max_size`` bytes, names by shell patterns."""

    max_size: int | None = None
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def includes(self, name: str) -> bool:
        return _matches(name, self.include) and not _matches(name, self.exclude)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(frozen=True)
class StorageOptions:
    """What a combined storage was given; without ``entries`` the setting serves."""

    entries: Sequence[Entry] | None
    on_fault: str
    delete: str
    promotion: Promotion | None

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
    refuse_unknown(given, ["backends", "promote", *choices], cls.__name__, "option")
    if entries is not None:
        _parse_each(entries, f"{cls.__name__}: backends")
    for option, values in choices.items():
        if given.get(option, values[0]) not in values:
            known = ", ".join(repr(known) for known in values)
            raise ImproperlyConfigured(
                f"{cls.__name__}: {option}={given[option]!r} is none of {known}."
            )
    chosen = {option: given.get(option, values[0]) for option, values in policies.items()}
    promotion = _promotion(given.get("promote", False), f"{cls.__name__}: promote")
    return StorageOptions(entries=entries, promotion=promotion, **chosen)


def _promotion(value: Any, place: str) -> Promotion | None:
    if isinstance(value, bool):
        return Promotion() if value else None
    if not isinstance(value, Mapping):
        raise ImproperlyConfigured(f"{place} must be True, False or a mapping.")
    refuse_unknown(value, ["max_size", "include", "exclude"], place, "key")
    max_size = value.get("max_size")
    if max_size is not None and (type(max_size) is not int or max_size < 0):
        raise ImproperlyConfigured(f"{place}: max_size must be a number of bytes.")
    return Promotion(
        max_size,
        _patterns(value.get("include", ["*"]), f"{place}: include"),
        _patterns(value.get("exclude", []), f"{place}: exclude"),
    )


def _patterns(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(p, str) for p in value):
        raise ImproperlyConfigured(f"{place} must be a list of shell patterns, as '*.jpg'.")
    return tuple(value)


def parse_backends(entries: Any, place: str) -> tuple[BackendOptions, ...]:
    """Return what the entries say, each with a name of its own.

    Raises ``ImproperlyConfigured``, naming the place and the nearest known word.
    """
    parsed = _parse_each(entries, place)
    for options in parsed:
        if options.options and (options.is_alias or not isinstance(options.source, str)):
            raise ImproperlyConfigured(
                f"{options.place}: OPTIONS go with a dotted path; {_default_name(options)!r} is"
                " configured where it is defined."
            )
    return tuple(_with_own_names(parsed, place))


def _parse_each(entries: Any, place: str) -> list[BackendOptions]:
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
    options, name = mapping.get("OPTIONS", {}), mapping.get("NAME", "")
    if not isinstance(name, str) or ("NAME" in mapping and not name):
        raise ImproperlyConfigured(f"{place}: NAME must be a word.")
    if not isinstance(options, Mapping):
        raise ImproperlyConfigured(f"{place}: OPTIONS must be a mapping.")
    return BackendOptions(
        place=place,
        source=source,
        name=name,
        options=options,
        **{field: _flag(mapping, key, place) for key, field in _FLAGS.items()},
    )


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


def _flag(mapping: Mapping[str, Any], key: str, place: str) -> bool:
    value = mapping.get(key, False)
    if not isinstance(value, bool):
        raise ImproperlyConfigured(f"{place}: {key} must be True or False.")
    return value


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


def refuse_unknown(given: Iterable[str], known: Collection[str], place: str, what: str) -> None:
    """Raise ``ImproperlyConfigured`` for a word that is not known, with the nearest that is."""
    for word in given:
        if word not in known:
            hint = f" {near}" if (near := did_you_mean(word, known)) else ""
            raise ImproperlyConfigured(
                f"{place}: unknown {what} {word!r}.{hint} Known: {', '.join(sorted(known))}."
            )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the question for the nearest word that is known, ``""`` if none is near."""
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(str(word).lower(), by_lower, n=1)
    return f"Did you mean {by_lower[near[0]]!r}?" if near else ""


class Generation:
    """``number`` grows when the settings change that storages are built from."""

    number = 0


@receiver(setting_changed)
def _count_change(*, setting: str, **kwargs: object) -> None:
    if setting in _SETTINGS:
        Generation.number += 1
