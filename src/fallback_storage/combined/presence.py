"""The remembered answer to "which backend holds this name", in a Django cache.

It answers ``url`` and ``locate``. Whatever opens, measures or changes a file asks the backends in
their order, and puts right what was remembered. What a write leaves behind is set; what a question
finds out is only added, so that one asked before a write is not remembered after it.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar
from uuid import uuid4

from django.core.cache import BaseCache, caches

from fallback_storage.conf import BackendOptions, PresenceOptions
from fallback_storage.outcomes import Outcome, classify
from fallback_storage.signals import logger

T = TypeVar("T")

#: No backend has the name.
NOWHERE = ""
#: None but the last backend can have it, which was not asked: it gives the URL all the same.
LAST_OR_NOWHERE = "\0last"
# It was changed a moment ago, and who asked before that must not have the last word.
_CHANGED = "\0changed"
_CHANGED_SECONDS = 10
# How long, and for how many names, a process does without the cache.
_RECENT_SECONDS = 1.0
_RECENT_NAMES = 10_000


class Presence:
    """Which backend holds a name, of one combined storage."""

    def __init__(
        self,
        options: PresenceOptions,
        owner: type,
        backends: Sequence[BackendOptions],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._scope = _scope(owner, backends)
        self._clock = clock
        self._recent = _Recent(clock)

    @property
    def _cache(self) -> BaseCache:
        return caches[self._options.cache]

    def now(self) -> float:
        """Return the time; what is asked from then on may be remembered for a while."""
        return self._clock()

    def holder(self, name: str) -> str | None:
        """Return what is remembered: a backend's name, one of the above, ``None``: nothing."""
        return self.holders([name]).get(name)

    def holders(self, names: Iterable[str]) -> dict[str, str]:
        """Return the remembered holders of ``names``, in one round trip at most."""
        recent = {name: self._recent.get(name) for name in names}
        holders = {name: holder for name, holder in recent.items() if holder is not None}
        left = {name: self._keys(name) for name in recent if name not in holders}
        if not left:
            return holders
        nothing: Mapping[str, str] = {}
        keys = [key for pair in left.values() for key in pair]
        found = _unless_down(lambda: self._cache.get_many(keys), nothing)
        for name, (key, last) in left.items():
            holder = found.get(key, found.get(last))
            if holder is not None and holder != _CHANGED:
                holders[name] = holder
                self._recent.put(name, holder)
        return holders

    def noticed(self, name: str, holder: str, begun: float) -> None:
        """Remember what a question found that was put from ``begun`` on.

        It is only added, so that what a write leaves behind stays; and not if the mark of a write
        that came after the question may be gone by now.
        """
        if self._recent.get(name) == holder or self._clock() - begun > _CHANGED_SECONDS / 2:
            return
        self._recent.forget(name)
        _unless_down(lambda: self._add(name, holder), None)

    def _add(self, name: str, holder: str) -> None:
        key, last = self._keys(name)
        missing = holder in (NOWHERE, LAST_OR_NOWHERE)
        seconds = self._options.missing if missing else self._options.found
        if holder == LAST_OR_NOWHERE:
            self._cache.add(last, holder, seconds)
        elif self._cache.add(key, holder, seconds):
            self._recent.put(name, holder)
        elif self._cache.get(key) not in (holder, _CHANGED):
            # Which of the two is newer is not known here: the next question will tell.
            self._cache.delete(key)

    def stored(self, name: str, holder: str) -> None:
        """Remember that a file was stored in ``holder``."""
        self._set(name, holder, self._options.found)

    def changed(self, name: str) -> None:
        """Forget a name: its file was deleted, or may be changed from now on."""
        self._set(name, _CHANGED, _CHANGED_SECONDS)

    def _set(self, name: str, holder: str, seconds: int) -> None:
        key, last = self._keys(name)
        _unless_down(lambda: self._cache.set(last, _CHANGED, _CHANGED_SECONDS), None)
        _unless_down(lambda: self._cache.set(key, holder, seconds), None)
        self._recent.forget(name)  # Not before: it would be put there again from the cache.

    def _keys(self, name: str) -> tuple[str, str]:
        """Return the key of a name's holder, and that of what only its URL shows."""
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16)
        key = f"{self._scope}{digest.hexdigest()}"
        return key, f"{key}:last"


class _Recent:
    """What the cache said a moment ago: a page asks for the same names again and again.

    Without a lock: what one thread puts here while another forgets it lasts for that moment.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._holders: dict[str, tuple[str, float]] = {}

    def get(self, name: str) -> str | None:
        holder, end = self._holders.get(name, _NEVER)
        return holder if self._clock() < end else None

    def put(self, name: str, holder: str) -> None:
        if len(self._holders) >= _RECENT_NAMES:
            self._holders = {}
        self._holders[name] = holder, self._clock() + _RECENT_SECONDS

    def forget(self, name: str) -> None:
        self._holders.pop(name, None)


_NEVER = ("", -math.inf)


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
        if classify(error) is Outcome.REJECTED:
            raise
        logger.warning("The cache for presence could not answer: %s", type(error).__name__)
        return otherwise
