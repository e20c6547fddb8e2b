"""What lies around the calls of a storage: each layer is put there once, when it is built.

The order, from the inside: the storage, its adapter, a second opinion, its guard (deadline and
breaker), the names that a server can be asked for, read-only; then what the class of the combined
storage adds. A layer that is not configured is not there, so that most calls of a local backend go
to its storage's own method.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, Protocol, cast

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import File

from fallback_storage.backend import files
from fallback_storage.backend.adapters import Adapter
from fallback_storage.errors import ReadOnlyStorageError, UnsupportedOperation
from fallback_storage.outcomes import InferredMissing, Outcome, classify, says_nothing
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
    Operation("read_part"),  # Of few classes: what the server sends, while it sends it.
    *(Operation(f"get_{what}_time") for what in ("accessed", "created", "modified")),
    *(Operation(name, local=True) for name in ("url", "get_valid_name")),
    *(Operation(n, writes=True) for n in ("open_for_writing", "create", "replace", "delete")),
    # Where the storage's class has its own. The popular one deletes the file that has the name.
    *(Operation(name, writes=True) for name in ("get_available_name", "save")),
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


# What a storage that does not have the file raises an error for.
_OF_ONE_FILE = frozenset(
    {"open", "size", "path", "get_accessed_time", "get_created_time", "get_modified_time"}
)


class SecondOpinion:
    """Asks a storage whether it has a file after it raised an error that says nothing.

    It lies within the guard: both are one call, with one deadline. The class of a storage that is
    known exactly needs none.
    """

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._exists = adapter.method("exists")

    def around(self, operation: Operation, call: Call) -> Call:
        asks = operation.name in _OF_ONE_FILE and self._exists is not None
        return partial(self.call, call) if asks and not isinstance(call, Unsupported) else call

    def call(self, call: Call, name: str, *args: Any) -> Any:
        """Make a call; raise ``InferredMissing`` if the storage then says that it has no file."""
        outer = sys.exception()
        try:
            return call(name, *args)
        except Exception as error:
            if says_nothing(error, outer) and not self._may_have(name):
                no_file = os.strerror(errno.ENOENT)
                raise InferredMissing(errno.ENOENT, no_file, name) from error
            raise

    def _may_have(self, name: str) -> bool:
        self._adapter.after_error()
        try:
            return cast(Call, self._exists)(name) is not False
        except Exception as error:
            if classify(error) is Outcome.REJECTED:
                raise
            return True


class Encodable:
    """Refuses names that no server can be asked for: they hold what is no character."""

    def __init__(self, backend: str) -> None:
        self._backend = backend

    def around(self, operation: Operation, call: Call) -> Call:
        return partial(self._call, call)

    def _call(self, call: Call, name: str, *args: Any, **keywords: Any) -> Any:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise SuspiciousFileOperation(
                f"{self._backend} takes no name that UTF-8 cannot encode: {name!a}."
            ) from error
        return call(name, *args, **keywords)


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
        self,
        guard: Guard,
        adapter: Adapter,
        judge: Judge,
        peers: Sequence[Guard | None],
        opinion: SecondOpinion | None,
    ) -> None:
        self._guard = guard
        self._adapter = adapter
        self._judge = judge
        self._recovery = Recovery(adapter.after_error, adapter.give_up, adapter.prepare)
        self._opening_existing: Call = partial(files.open_existing, adapter)
        if opinion is not None:
            self._opening_existing = partial(opinion.call, self._opening_existing)
        self._peers = [] if None in peers else [peer for peer in peers if peer is not None]

    def around(self, operation: Operation, call: Call) -> Call:
        if operation.name == "url" and self._guard.timeout is not None and not self._adapter.base:
            return self._url(call)
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

    def _url(self, url: Call) -> Call:
        """Bound a URL that may be asked of the server; most are not, so it is not counted."""

        def bounded(*args: Any, **keywords: Any) -> Any:
            return self._take_turn(True, partial(url, *args, **keywords))

        return bounded

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
        file: File[Any] = self.call(self._opening_existing, name, mode)
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
