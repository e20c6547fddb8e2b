"""What the checks find in the configuration itself."""

from __future__ import annotations

from typing import Any

import django
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage
from django.utils.module_loading import import_string

from fallback_storage.backend.adapters.http import HTTP
from fallback_storage.backend.adapters.memory import Memory
from fallback_storage.checks.configured import Configured, Messages, combined_backends, of_each
from fallback_storage.checks.unbuilt import storages, unbuilt
from fallback_storage.conf import (
    MOVED,
    BackendOptions,
    did_you_mean,
    parse_backends,
    storage_options,
)


@of_each
def no_backends(configured: Configured) -> Messages:
    if not configured.entries:
        yield checks.Error(
            f"{configured.where} has no backends.",
            hint='Name them in OPTIONS ("backends": [...]) or in the setting FALLBACK_STORAGES.',
            id="fallback_storage.E001",
        )


@of_each
def unknown_alias(configured: Configured) -> Messages:
    for options in configured.backends:
        source = options.source
        if isinstance(source, str) and not options.is_alias and "." not in source:
            yield checks.Error(
                f"{configured.where}: STORAGES has no {source!r}.",
                hint=did_you_mean(source, storages()) or "Add it to STORAGES.",
                id="fallback_storage.E002",
            )


@of_each
def circular_alias(configured: Configured) -> Messages:
    circle = _circle([configured])
    if circle is not None:
        yield checks.Error(
            f"A storage must not contain itself: {' -> '.join(each.where for each in circle)}.",
            hint="Give the outer storage an alias that none of its backends names.",
            id="fallback_storage.E003",
        )


def _circle(chain: list[Configured]) -> list[Configured] | None:
    for inner in combined_backends(chain[-1]):
        # The same class, given the same, is the same storage again.
        if inner in chain:
            return [*chain[chain.index(inner) :], inner]
        if (circle := _circle([*chain, inner])) is not None:
            return circle
    return None


@of_each
def not_importable(configured: Configured) -> Messages:
    for options in configured.backends:
        path = options.source
        if not isinstance(path, str) or options.is_alias or "." not in path:
            continue
        try:
            import_string(MOVED.get(path, path))
        except Exception as error:  # Whatever a module raises when imported.
            yield checks.Error(
                f"{configured.where}: cannot import {path!r} ({type(error).__name__}).",
                hint="Is the path right, and its package installed?",
                id="fallback_storage.E004",
            )


@of_each
def broken_alias(configured: Configured) -> Messages:
    for options in configured.backends:
        if options.is_alias and unbuilt(options) is None:
            yield checks.Error(
                f"{configured.where}: STORAGES[{options.source!r}] cannot be imported.",
                hint="Is its BACKEND a dotted path to a class, and the package installed?",
                id="fallback_storage.E007",
            )


@of_each
def wrong_http_options(configured: Configured) -> Messages:
    for storage in configured.storages:
        if storage.adapter is HTTP and not storage.is_instance:
            try:
                storage.cls(**storage.given)  # Which asks nobody.
            except (ImproperlyConfigured, TypeError) as error:
                yield checks.Error(
                    f"{configured.where}: {storage.name}: {error}",
                    hint=f"See docs/http.md for what {storage.cls.__name__} takes.",
                    id="fallback_storage.E008",
                )


@of_each
def unknown_options(configured: Configured) -> Messages:
    given = {key: value for key, value in configured.given.items() if key != "backends"}
    try:
        storage_options(configured.cls, configured.cls.policies, None, given)
        if configured.entries:
            parse_backends(configured.entries, "backends")
    except ImproperlyConfigured as error:
        yield checks.Error(
            f"{configured.where}: {error}",
            hint=f"See the docstring of {configured.cls.__name__} for what it takes.",
            id="fallback_storage.E005",
        )


@of_each
def moved_path(configured: Configured) -> Messages:
    for options in configured.backends:
        if options.source in MOVED:
            yield checks.Warning(
                f"{configured.where}: {options.source} is long gone.",
                hint=f"{MOVED[str(options.source)]} is used in its place: write that.",
                id="fallback_storage.W001",
            )


@of_each
def same_storage_twice(configured: Configured) -> Messages:
    seen: list[object] = []
    for options in configured.backends:
        identity = _identity(options)
        if identity in seen:
            yield checks.Warning(
                f"{configured.where}: {options.name} is the same storage as a backend before it.",
                hint="It can never hold what the other does not. Remove one of the two.",
                id="fallback_storage.W002",
            )
        seen.append(identity)


def _identity(options: BackendOptions) -> object:
    if not isinstance(options.source, str):
        return id(options.source)
    storage = unbuilt(options)
    if storage is None:
        return options.source, options.options
    if storage.adapter is Memory:  # Each has files of its own.
        return options.source if options.is_alias else object()
    return storage.cls, storage.given


def unread_setting(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    if django.VERSION < (5, 1) or not hasattr(settings, "DEFAULT_FILE_STORAGE"):
        return []
    return [
        checks.Warning(
            "DEFAULT_FILE_STORAGE is set, and this Django no longer reads it.",
            hint='Write STORAGES = {"default": {"BACKEND": …}, …} instead.',
            id="fallback_storage.W003",
        )
    ]


@of_each
def several_writable(configured: Configured) -> Messages:
    writable = [options.name for options in configured.writable]
    if len(writable) > 1:
        yield checks.Warning(
            f"{configured.where}: {len(writable)} backends may be written: {', '.join(writable)}.",
            hint=f"A write that fails in {writable[0]} lands in {writable[1]}. If that is not"
            f' wanted, make the others read-only: {{"BACKEND": {writable[1]!r}, "READ_ONLY":'
            " True}.",
            id="fallback_storage.W004",
        )


@of_each
def writable_path(configured: Configured) -> Messages:
    if configured.cls.writes_only_first:
        return  # It never gives out the path of a lower backend's file.
    for storage in configured.storages:
        if storage.options.read_only and issubclass(storage.cls, FileSystemStorage):
            yield checks.Warning(
                f"{configured.where}: {storage.name} is READ_ONLY, and path() gives out the paths"
                " of its files: whoever opens one can write to it.",
                hint="Take away this process's permission to write there, or use an"
                " OverlayStorage, which copies a file up for its path.",
                id="fallback_storage.W011",
            )


@of_each
def combined_staticfiles(configured: Configured) -> Messages:
    if configured.where == "STORAGES['staticfiles']":
        yield checks.Warning(
            "STORAGES['staticfiles'] is a combined storage: it makes no manifest, and each"
            " {% static %} asks its backends.",
            hint="Give static files a storage of their own. They are deployed with the code, so"
            " that they need no other place to come from.",
            id="fallback_storage.W012",
        )


ERRORS = (
    *(no_backends, unknown_alias, circular_alias, not_importable, broken_alias),
    *(unknown_options, wrong_http_options),
)
WARNINGS = (
    *(moved_path, same_storage_twice, unread_setting, several_writable, writable_path),
    combined_staticfiles,
)
