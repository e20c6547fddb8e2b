"""The boundary around a storage: whatever is asked of it passes through one gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from django.core.files.storage import Storage

from fallback_storage.backend.adapters import adapter_for, is_thread_safe
from fallback_storage.errors import ReadOnlyStorageError, UnsupportedOperation
from fallback_storage.outcomes import Outcome, classify
from fallback_storage.resilience.breaker import Breaker
from fallback_storage.resilience.call import Recovery
from fallback_storage.resilience.guard import Guard

Answer = TypeVar("Answer")

# They need no server: neither what they answer nor how fast tells anything of it.
_ANSWERED_HERE = frozenset({"url", "get_valid_name"})
# A name that no file has: any answer to it will do.
_PROBE = "fallback_storage_probe"
_MUTATING = frozenset({"save", "_save", "delete"})


def writes(mode: str) -> bool:
    """Whether a file opened in ``mode`` can be changed."""
    return mode not in {"rb", "r"} and not set(mode).isdisjoint("wax+")


def _changes(operation: str, args: Sequence[Any]) -> bool:
    return operation in _MUTATING or (operation == "open" and writes(args[0]))


class Boundary:
    """A storage with its name, its mode and its guard."""

    def __init__(
        self,
        name: str,
        storage: Storage,
        *,
        read_only: bool,
        denied_is_missing: bool,
        guard: Guard | None = None,
    ) -> None:
        self.name = name
        self.storage = storage
        self.read_only = read_only
        #: What bounds and counts its calls; ``None`` where nothing does.
        self.guard = guard
        #: All the backends of its combined storage.
        self.peers: Sequence[Boundary] = ()
        self._denied_is_missing = denied_is_missing
        self._adapter = adapter_for(storage)
        self._recovery = Recovery(
            partial(self._adapter.after_error, storage), partial(self._adapter.give_up, storage)
        )
        #: The operations that need a second look: one set, as most need none.
        self._watched = self._adapter.replaces | (_MUTATING | {"open"} if read_only else set())

    def __repr__(self) -> str:
        mode = "read-only" if self.read_only else "writable"
        return f"<{type(self).__name__} {self.name!r}: {type(self.storage).__qualname__}, {mode}>"

    @property
    def is_remote(self) -> bool:
        """Whether its storage has no local paths."""
        return type(self.storage).path is Storage.path

    @property
    def bears_threads(self) -> bool:
        """Whether several threads may ask it at once: it has its own, or its class allows that."""
        return (self.guard is not None and self.guard.bulkhead is not None) or is_thread_safe(
            self.storage
        )

    @property
    def breaker(self) -> Breaker | None:
        """Its circuit breaker, if it has one."""
        return None if self.guard is None else self.guard.breaker

    def call(self, operation: str, name: str, *args: Any, **kwargs: Any) -> Any:
        """Ask the storage; a read-only one is asked nothing that changes it.

        Raises ``ReadOnlyStorageError``, ``UnsupportedOperation`` where the storage has no such
        method, ``BreakerOpen``, ``DeadlineExceeded``, and whatever the storage raises.
        """
        if self.guard is None and operation not in self._watched:
            # Most calls, as short as can be: FileSystemStorage answers in 5 µs.
            method = getattr(self.storage, operation, None)
            if method is not None:
                return method(name, *args, **kwargs) if args or kwargs else method(name)
        method = self._method(operation, name, args)
        if self.guard is None or operation in _ANSWERED_HERE:
            return method(name, *args, **kwargs)
        call = partial(method, name, *args, **kwargs)
        if operation == "listdir":
            call = partial(_listed, call)
        return self._ask(call, with_deadline=not _changes(operation, args))

    def _method(self, operation: str, name: str, args: Sequence[Any] = ()) -> Callable[..., Any]:
        if operation in self._watched:
            if _changes(operation, args):
                self._refuse_if_read_only(operation, name)
            if operation in self._adapter.replaces:
                return partial(getattr(self._adapter, operation), self.storage)
        method: Callable[..., Any] | None = getattr(self.storage, operation, None)
        if method is None:
            raise UnsupportedOperation(f"{self.name} has no {operation}({name!r}).")
        return method

    def _ask(
        self, call: Callable[[], Answer], *, with_deadline: bool = True, force: bool = False
    ) -> Answer:
        """Make a call that ``guard`` bounds and counts, if there is one."""
        if self.guard is None:
            return call()
        return self.guard.call(
            call,
            self.outcome_of,
            with_deadline=with_deadline,
            force=force or self._is_last_resort(),
            recovery=self._recovery,
        )

    def _is_last_resort(self) -> bool:
        """Whether every backend would be refused: then they are tried all the same."""
        return all(peer.guard is not None and peer.guard.refuses for peer in self.peers)

    def probe(self) -> None:
        """Ask whether a file exists, whatever the breaker says; raise what the storage raises."""
        self._ask(partial(self._method("exists", _PROBE), _PROBE), force=True)

    def _refuse_if_read_only(self, operation: str, name: str) -> None:
        if self.read_only:
            raise ReadOnlyStorageError(f"{self.name} is read-only: no {operation}({name!r}).")

    def outcome_of(self, error: Exception, *, writing: bool = False) -> Outcome:
        """Return what ``error``, just raised by this backend, says."""
        if self.guard is None or self.guard.bulkhead is None:
            self._adapter.after_error(self.storage)
        if self._adapter.says_missing(error):
            return Outcome.FAILED if writing else Outcome.MISSING
        outcome = classify(error, writing=writing)
        if outcome is Outcome.DENIED and self._denied_is_missing and not writing:
            return Outcome.MISSING
        return outcome


def _listed(call: Callable[[], Any]) -> tuple[list[str], ...]:
    """Return a listing made now, within the deadline: a storage's may be a lazy one."""
    return tuple(map(list, call()))
