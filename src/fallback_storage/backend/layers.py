"""What lies around the calls of a storage: each layer is put there once, when it is built.

The order, from the inside: the storage, its adapter, its guard (deadline and breaker), read-only;
then what the class of the combined storage adds. A layer that is not configured is not there, so
that most calls of a local backend go to its storage's own method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, Protocol

from django.core.files.base import File

from fallback_storage.backend import files
from fallback_storage.backend.adapters import Adapter
from fallback_storage.errors import ReadOnlyStorageError, UnsupportedOperation
from fallback_storage.resilience.call import Recovery
from fallback_storage.resilience.guard import Guard, Judge

Call = Callable[..., Any]


@dataclass(frozen=True)
class Operation:
    """What a backend can be asked, and what the layers have to know of it.

    ``local``: it needs no server, so neither what it answers nor how fast says anything of one.
    """

    name: str
    writes: bool = False
    local: bool = False


OPERATIONS = (
    *(Operation(name) for name in ("exists", "claims", "size", "listdir", "path", "open")),
    *(Operation(f"get_{what}_time") for what in ("accessed", "created", "modified")),
    *(Operation(name, local=True) for name in ("url", "get_valid_name")),
    *(Operation(n, writes=True) for n in ("open_for_writing", "create", "replace", "delete")),
)


class Layer(Protocol):
    """One layer of a backend."""

    def around(self, operation: Operation, call: Call) -> Call:
        """Return ``call`` with the layer around it, or ``call`` itself."""


class Unsupported:
    """Stands where the storage has no method for an operation; there is nothing to bound."""

    def __init__(self, backend: str, operation: str) -> None:
        self._backend = backend
        self._operation = operation

    def __call__(self, name: str, *args: Any) -> NoReturn:
        raise UnsupportedOperation(f"{self._backend} has no {self._operation}({name!r}).")


class ReadOnly:
    """Refuses every call that would change what is stored."""

    def __init__(self, backend: str) -> None:
        self._backend = backend

    def around(self, operation: Operation, call: Call) -> Call:
        return partial(self._refuse, operation.name) if operation.writes else call

    def _refuse(self, operation: str, name: str, *args: Any) -> NoReturn:
        operation = operation.removesuffix("_for_writing")
        raise ReadOnlyStorageError(f"{self._backend} is read-only: no {operation}({name!r}).")


class Recovering:
    """Makes a storage usable again after each error; a guard with a bulkhead does so itself."""

    def __init__(self, adapter: Adapter) -> None:
        self._recover = adapter.after_error

    def around(self, operation: Operation, call: Call) -> Call:
        is_local = operation.local or isinstance(call, Unsupported)
        return call if is_local else partial(self._call, call)

    def _call(self, call: Call, *args: Any) -> Any:
        try:
            return call(*args)
        except Exception:
            self._recover()
            raise


class Guarded:
    """Bounds each call and counts what it came to; a write has no deadline."""

    def __init__(
        self, guard: Guard, adapter: Adapter, judge: Judge, peers: Sequence[Guard | None]
    ) -> None:
        self._guard = guard
        self._adapter = adapter
        self._judge = judge
        self._recovery = Recovery(adapter.after_error, adapter.give_up)
        self._peers = [] if None in peers else [peer for peer in peers if peer is not None]

    def around(self, operation: Operation, call: Call) -> Call:
        if operation.local or isinstance(call, Unsupported):
            return call
        if operation.name == "open":
            return self._opening(call)
        if operation.name == "open_for_writing":
            return self._opening_for_writing(call)
        return partial(self.call, call, with_deadline=not operation.writes)

    def call(self, call: Call, *args: Any, with_deadline: bool = True, force: bool = False) -> Any:
        """Make a call; ``force``: whatever the breaker says."""
        return self._guard.call(
            partial(call, *args),
            self._judge,
            with_deadline=with_deadline,
            # Where every backend would be refused, all are tried all the same.
            force=force or (bool(self._peers) and all(peer.refuses for peer in self._peers)),
            recovery=self._recovery,
        )

    def _opening(self, open_: Call) -> Call:
        if self._guard.bulkhead is not None and self._adapter.downloads_whole:
            return self._open_then_download
        if not self._guard.is_serial:
            return partial(self.call, open_)

        def open_in_turn(name: str, mode: str) -> File[Any]:
            file: File[Any] = self.call(open_, name, mode)
            if self._adapter.open_checks_existence(file) and not files.is_made_text(file):
                return file
            return files.serialized(file, name, partial(self._take_turn, True), writable=False)

        return open_in_turn

    def _open_then_download(self, name: str, mode: str) -> File[Any]:
        """Open a file that comes whole: the deadline is for the answer, not for the download."""
        file: File[Any] = self.call(files.open_existing, self._adapter, name, mode)
        if self._adapter.open_checks_existence(file):
            return file
        touched: File[Any] = self.call(
            files.ensure_exists, self._adapter, file, name, mode, with_deadline=False
        )
        return touched

    def _opening_for_writing(self, open_: Call) -> Call:
        def open_in_turn(name: str, *args: Any) -> File[Any]:
            file: File[Any] = self.call(open_, name, *args, with_deadline=False)
            if not self._guard.is_serial or self._adapter.open_checks_existence(file):
                return file
            return files.serialized(file, name, partial(self._take_turn, False), writable=True)

        return open_in_turn

    def _take_turn(self, with_deadline: bool, call: Callable[[], Any]) -> Any:
        return self._guard.serialize(call, with_deadline=with_deadline, recovery=self._recovery)
