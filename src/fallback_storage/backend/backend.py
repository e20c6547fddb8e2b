"""One configured member of a combined storage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import Any

from django.core.files.base import File

from fallback_storage.backend import calls, files
from fallback_storage.backend.adapters import Adapter
from fallback_storage.backend.adapters.base import PROBE, SkipIf
from fallback_storage.backend.layers import (
    OPERATIONS,
    Call,
    Encodable,
    Guarded,
    Layer,
    Operation,
    ReadOnly,
    Recovering,
    SecondOpinion,
    Unsupported,
)
from fallback_storage.backend.part import Part
from fallback_storage.outcomes import InferredMissing, Outcome, classify
from fallback_storage.resilience.breaker import Breaker
from fallback_storage.resilience.guard import Guard
from fallback_storage.statuses import http_status

# The status that a server without the right to list gives a file that is not there.
_FORBIDDEN = 403
# What the class of a storage may have in a way of its own.
_OWN = frozenset({"get_available_name", "save", "get_alternative_name", "generate_filename"})
# What stands for an operation that neither the storage nor its adapter has.
_METHODS = {"claims": "exists", "open_for_writing": "open"}


class Backend:
    """A storage with its name, its mode and its guard.

    Its operations are the storage's, with the layers around them. Each raises what the storage
    raises, ``UnsupportedOperation`` where that has no such method, ``ReadOnlyStorageError``,
    ``BreakerOpen`` and ``DeadlineExceeded``.
    """

    #: Whether a file has a name.
    exists: Callable[[str], bool]
    #: Whether a file or a directory has it, so that no other file can.
    claims: Callable[[str], bool]
    size: Callable[[str], int]
    listdir: Callable[[str], tuple[list[str], list[str]]]
    path: Callable[[str], str]
    get_accessed_time: Callable[[str], datetime]
    get_created_time: Callable[[str], datetime]
    get_modified_time: Callable[[str], datetime]
    get_valid_name: Callable[[str], str]
    url: Callable[..., str]
    #: Opens a file for reading that is known to exist.
    open: Callable[[str, str], File[Any]]
    #: Begins to read a file, or the range of it that a header says, as its server sends it.
    read_part: Callable[[str, str | None], Part]
    #: Opens a file for writing; a third argument says that mode "a" is to make no new one.
    open_for_writing: Callable[..., File[Any]]
    delete: Callable[[str], None]
    #: Stores a file whole if its name is free; returns the name that the storage gave it.
    create: Callable[[str, File[Any], SkipIf], str | None]
    #: Stores a file whole in the place of another.
    replace: Callable[[str, File[Any]], str]
    #: Which of ``save`` and the ways of naming a file its storage's class has of its own.
    own: frozenset[str]
    #: What the storage's class has in the place of Django's, as ``own`` tells.
    get_available_name: Callable[[str, int | None], str]
    save: Callable[[str, int | None, File[Any]], str]

    def __init__(
        self,
        name: str,
        adapter: Adapter,
        *,
        read_only: bool = False,
        denied_is_missing: bool = False,
        guard: Guard | None = None,
        peers: Sequence[Guard | None] = (None,),
    ) -> None:
        """Compose the operations; ``peers`` are the guards of all backends beside this one."""
        self.name = name
        self.adapter = adapter
        self.storage: Any = adapter.storage
        self.read_only = read_only
        #: What bounds and counts its calls; ``None`` where nothing does.
        self.guard = guard
        #: Whether a read takes a 403 for *missing*; nothing else does.
        self.denied_is_missing = denied_is_missing
        self.own = frozenset(method for method in _OWN if adapter.own(method) is not None)
        for operation in OPERATIONS:
            setattr(self, operation.name, self._innermost(operation))
        self._peers = peers
        opinion = None if adapter.exact else SecondOpinion(adapter)
        if opinion is not None:
            self.wrap(opinion)
        recovers = type(adapter).after_error is not Adapter.after_error
        if recovers and (guard is None or guard.bulkhead is None):
            self.wrap(Recovering(adapter))
        self._guarded = None
        if guard is not None:
            self._guarded = Guarded(guard, adapter, self.outcome_of, peers, opinion)
            self.wrap(self._guarded)
        if adapter.is_remote:
            self.wrap(Encodable(name))
        if read_only:
            self.wrap(ReadOnly(name))
        #: The URL of a file of which it is known that this backend serves it.
        self.url_of_holder: Callable[..., str] = self.url

    def __repr__(self) -> str:
        mode = "read-only" if self.read_only else "writable"
        return f"<Backend {self.name!r}: {self.storage.__class__.__qualname__}, {mode}>"

    def unwrapped(self) -> Backend:
        """Return this backend without what a class of storages has put around it."""
        return Backend(
            self.name,
            self.adapter,
            read_only=self.read_only,
            denied_is_missing=self.denied_is_missing,
            guard=self.guard,
            peers=self._peers,
        )

    def wrap(self, layer: Layer) -> None:
        """Put another layer around every operation."""
        for operation in OPERATIONS:
            setattr(self, operation.name, layer.around(operation, getattr(self, operation.name)))

    def _innermost(self, operation: Operation) -> Call:
        if operation.name in {"create", "replace"}:
            own: Call = getattr(self.adapter, operation.name)
            return own
        if operation.name in {"get_available_name", "save"}:
            method = self.adapter.own(operation.name)
            call = Unsupported(self.name, operation.name)
            return call if method is None else partial(calls.in_its_own_way, method)
        method = self.adapter.method(operation.name)
        if method is None and operation.name in _METHODS:
            method = self.adapter.method(_METHODS[operation.name])
        if method is None:
            return Unsupported(self.name, operation.name)
        special: dict[str, Call] = {
            "open": partial(files.open_for_reading, self.adapter),
            "open_for_writing": partial(files.open_for_writing, self.adapter),
            "listdir": partial(calls.listdir, method),
            "size": partial(calls.size, method, self.adapter.method("exists")),
            "url": partial(calls.url, method),
        }
        return special.get(operation.name, method)

    @property
    def is_remote(self) -> bool:
        """Whether its storage has no local paths."""
        return self.adapter.is_remote

    @property
    def thread_safe(self) -> bool:
        """Whether several threads may ask it at once: it has its own, or its class allows that."""
        own_threads = self.guard is not None and self.guard.bulkhead is not None
        return own_threads or (self.adapter.exact and self.adapter.thread_safe)

    @property
    def breaker(self) -> Breaker | None:
        """Its circuit breaker, if it has one."""
        return None if self.guard is None else self.guard.breaker

    @property
    def refuses(self) -> bool:
        """Whether its breaker refuses calls now."""
        return self.guard is not None and self.guard.refuses

    @property
    def overwrites(self) -> bool:
        """Whether a save on a taken name replaces the file, by its owner's wish."""
        return self.adapter.overwrites

    def outcome_of(
        self, error: Exception, *, writing: bool = False, listing: bool = False
    ) -> Outcome:
        """Return what ``error``, raised by this backend, says.

        Of a listing only a missing directory is *missing*: a server that says so means the whole
        place.
        """
        if self.adapter.says_missing(error):
            return Outcome.FAILED if writing else Outcome.MISSING
        outcome = classify(error, writing=writing)
        if listing and outcome is Outcome.MISSING and http_status(error) is not None:
            return Outcome.FAILED
        one_file = not writing and not listing
        if self.denied_is_missing and one_file and http_status(error) == _FORBIDDEN:
            return Outcome.MISSING
        return outcome

    def says_missing(self, error: Exception) -> bool:
        """Return whether ``error`` says so, and not just what is made of it."""
        if isinstance(error, InferredMissing):
            return False
        return self.adapter.says_missing(error) or classify(error) is Outcome.MISSING

    def infers_missing(self, error: Exception) -> bool:
        """Return whether ``error`` is taken for *missing* by a read, though it does not say so."""
        if isinstance(error, InferredMissing):
            return True
        return self.denied_is_missing and not self.says_missing(error)

    def probe(self) -> None:
        """Ask whether a file exists, whatever the breaker says; raise what the storage raises."""
        self.inspect(self._innermost(OPERATIONS[0]), PROBE)

    def inspect(self, call: Call, *args: Any) -> Any:
        """Call what changes nothing, within the deadline and whatever the breaker says."""
        if self._guarded is None:
            return call(*args)
        return self._guarded.call(call, *args, force=True)

    def locked(self, name: str) -> AbstractContextManager[None]:
        """Keep out whoever else changes ``name``; of a local file, other processes as well."""
        return self.adapter.locked(name)

    def within_deadline(self, function: Callable[[], None]) -> None:
        """Call a function that may write, and wait for it until the deadline; it goes on then."""
        if self.guard is None:
            function()
        else:
            self.guard.wait_for(function)

    def lacks(self, name: str) -> bool | None:
        """Return whether the storage says by itself that it does not hold ``name``.

        ``None``: not known. What ``DENIED_IS_MISSING`` makes of an error is not known either.
        """
        try:
            return not self.exists(name)
        except Exception as error:
            if self.outcome_of(error) is Outcome.REJECTED:
                raise
            return True if self.says_missing(error) else None
