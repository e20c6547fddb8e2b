"""The remembered answer to "which backend holds this name", in a Django cache.

It answers ``url`` and ``locate``. Whatever opens, measures or changes a file asks the backends,
and puts right what was remembered. What a write leaves behind is set; what a question finds out is
only added, so that one asked before a write is not remembered after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TypeVar
from uuid import uuid4

from django.core.cache import BaseCache, caches

from fallback_storage.conf import BackendOptions, PresenceOptions
from fallback_storage.signals import logger

T = TypeVar("T")

#: No backend has the name.
NOWHERE = ""
#: None but the last backend can have it, which was not asked: it gives the URL all the same.
LAST_OR_NOWHERE = "?"
# It was changed a moment ago, and who asked before that must not have the last word.
_CHANGED = "-"
_CHANGED_SECONDS = 10


class Presence:
    """Which backend holds a name, of one combined storage."""

    def __init__(
        self, options: PresenceOptions, owner: type, backends: Sequence[BackendOptions]
    ) -> None:
        self._options = options
        self._scope = _scope(owner, backends)

    @cached_property
    def _cache(self) -> BaseCache:
        return caches[self._options.cache]

    def holder(self, name: str) -> str | None:
        """Return what is remembered: a backend's name, one of the above, ``None``: nothing."""
        holder: str | None = _unless_down(lambda: self._cache.get(self._key(name)), None)
        return None if holder == _CHANGED else holder

    def holders(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return the remembered holders of ``names``, in one round trip."""
        by_key = {self._key(name): name for name in names}
        found: Mapping[str, str] = _unless_down(lambda: self._cache.get_many(by_key), {})
        return {by_key[key]: holder for key, holder in found.items()}

    def noticed(self, name: str, holder: str) -> None:
        """A question found that ``holder`` has the name."""
        _unless_down(lambda: self._notice(self._key(name), holder), None)

    def _notice(self, key: str, holder: str) -> None:
        remembered = self._cache.get(key)
        if remembered is None:
            self._cache.add(key, holder, self._seconds(holder))
        elif remembered not in (holder, _CHANGED):
            # Which of the two is newer is not known here: the next question will tell.
            self._cache.delete(key)

    def noticed_many(self, holders: Mapping[str, str]) -> None:
        """Questions found the holders of names of which nothing was remembered."""
        since = self.holders(holders)
        for missing in (True, False):
            new = {
                self._key(name): holder
                for name, holder in holders.items()
                if since.get(name, LAST_OR_NOWHERE) == LAST_OR_NOWHERE
                and (holder == NOWHERE) is missing
            }
            self._set(new, self._options.missing if missing else self._options.found)

    def _set(self, values: dict[str, str], seconds: int) -> None:
        if values:
            _unless_down(lambda: self._cache.set_many(values, seconds), None)

    def stored(self, name: str, holder: str) -> None:
        """A file was stored in ``holder``."""
        self._set({self._key(name): holder}, self._options.found)

    def changed(self, name: str) -> None:
        """A file was deleted, or may be changed from now on."""
        self._set({self._key(name): _CHANGED}, _CHANGED_SECONDS)

    def _seconds(self, holder: str) -> int:
        is_missing = holder in (NOWHERE, LAST_OR_NOWHERE)
        return self._options.missing if is_missing else self._options.found

    def _key(self, name: str) -> str:
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16)
        return f"{self._scope}{digest.hexdigest()}"


def _scope(owner: type, backends: Sequence[BackendOptions]) -> str:
    """Return what sets the keys of a storage apart from those of one configured otherwise."""
    told = repr([owner.__qualname__, *map(_configuration, backends)])
    digest = hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8)
    return f"fallback_storage:{digest.hexdigest()}:"


def _configuration(options: BackendOptions) -> object:
    if isinstance(options.source, str):
        return options.name, options.source, options.options
    return uuid4()  # What an instance is, no other process can tell.


def _unless_down(call: Callable[[], T], otherwise: T) -> T:
    """Ask the cache; without it everything is asked of the backends again."""
    try:
        return call()
    except Exception as error:
        logger.warning("The cache for presence could not answer: %s", type(error).__name__)
        return otherwise
