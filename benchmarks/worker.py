"""A contender's process: takes commands from its parent, a line of JSON each, and answers them.

It runs with what the contender imports, so nothing of this package is imported here.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.conf import settings

CACHE = {
    "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
    "OPTIONS": {"MAX_ENTRIES": 10**6},
}

_storages: dict[str, Any] = {}


def configure(**given: Any) -> dict[str, Any]:
    """Configure Django; some contenders read its settings when they are imported."""
    settings.configure(USE_TZ=True, MEDIA_URL="/media/", CACHES={"default": CACHE}, **given)
    return {}


def build(key: str, recipe: str, members: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    """Build a storage, to be asked for under `key`; one that was there is forgotten."""
    from .storages import RECIPES

    _storages.pop(key, None)
    _storages[key] = RECIPES[recipe](members, **options)
    return {}


def run(key: str, **batch: Any) -> dict[str, Any]:
    """Run one batch of calls and tell its time: see `calls.run`."""
    from .calls import run as run_batch

    return run_batch(_storages[key], **batch)


def forget() -> dict[str, Any]:
    """Drop all storages, and the connections that each thread has for each of them."""
    _storages.clear()
    gc.collect()
    return {}


def clear_cache() -> dict[str, Any]:
    """Forget what storages remember of names."""
    from django.core.cache import cache

    cache.clear()
    return {}


def force_open(key: str, backend: int) -> dict[str, Any]:
    """Open a breaker by hand."""
    _storages[key].backends[backend].breaker.force_open()
    return {}


def threshold(key: str, backend: int) -> dict[str, Any]:
    """Tell how many consecutive faults open a backend's breaker."""
    return {"failures": _storages[key].backends[backend].breaker.options.failures}


def http_fallback_url(url: str) -> dict[str, Any]:
    """Point django-http-fallback-storage elsewhere; it read its setting when it was imported."""
    import_module("http_fallback_storage").base_url = url  # type: ignore[attr-defined]
    return {}


def count(key: str, operation: str, names: list[str]) -> dict[str, Any]:
    """Mark a batch of calls for a profiler that counts instructions: see `calls.mark`."""
    from .calls import mark

    mark(_storages[key], operation, names)
    return {}


_COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {
    command.__name__: command
    for command in (
        configure,
        build,
        run,
        forget,
        clear_cache,
        force_open,
        threshold,
        http_fallback_url,
        count,
    )
}


def _answer(line: str) -> dict[str, Any]:
    command = json.loads(line)
    try:
        return _COMMANDS[command.pop("do")](**command)
    except Exception as error:  # Whatever it is, the parent says it in its table.
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    # A contender prints: what it prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(_answer(line)), file=answers, flush=True)
    os._exit(0)  # Threads that hang in a call would be waited for.


if __name__ == "__main__":
    main()
