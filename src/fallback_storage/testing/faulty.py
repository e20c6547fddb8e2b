"""A storage that fails on demand."""

from __future__ import annotations

import errno
import functools
import os
import threading
import time
from collections.abc import Iterable
from typing import Any, Self

from django.core.files.storage import Storage

from .calls import Call
from .stages import Delay, Error, Names, Sleep, Stage

#: Answered without the backend, so still answered while it is out.
_LOCAL = frozenset({"url", "path", "get_valid_name", "get_alternative_name", "generate_filename"})
#: What a storage without it inherits only raises NotImplementedError.
_OPTIONAL = frozenset(
    {"delete", "exists", "listdir", "size", "url", "path"}
    | {"get_accessed_time", "get_created_time", "get_modified_time"}
)

#: The methods that a stage can be about.
_METHODS = (
    *("open", "save", "_open", "_save", "is_name_available"),
    *("get_valid_name", "get_alternative_name", "get_available_name", "generate_filename"),
    *("path", "delete", "exists", "listdir", "size", "url"),
    *("get_accessed_time", "get_created_time", "get_modified_time"),
)


class _Intercepted:
    """A method of the wrapped storage; asked for on the class, the declaration itself."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, storage: FaultyStorage | None, owner: type) -> Any:
        if storage is None:
            return self
        method, target = self.name, getattr(storage.wrapped, self.name)

        # Wrapped, so that the signature and the docstring are the wrapped storage's.
        @functools.wraps(target)
        def intercepted(*args: Any, **kwargs: Any) -> Any:
            call = Call.of(method, args, kwargs)
            stage = storage._meet(call)
            if stage is None:
                return target(*args, **kwargs)
            return stage.play(call, target, storage._sleep)

        return intercepted


class FaultyStorage(Storage):
    """Any storage, with faults staged per method and per name, and every call recorded.

    With nothing staged it answers as the wrapped storage does. Of several stages that meet a call,
    the first staged that is not used up plays. `sleep` is called for a delay given in seconds.
    """

    def __init__(self, storage: Storage, *, sleep: Sleep = time.sleep) -> None:
        self.wrapped = storage
        self._sleep = sleep
        self._lock = threading.Lock()
        self._stages: list[Stage] = []
        self._calls: list[Call] = []

    def __getattr__(self, name: str) -> Any:
        """The wrapped storage's own (``location``, ``file_overwrite``), unrecorded."""
        # copy and pickle look these up before there is a wrapped storage to ask.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.wrapped, name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {type(self.wrapped).__name__}>"

    def stage(
        self,
        method: str,
        *,
        name: Names | None = None,
        times: int | None = None,
        error: Error | None = None,
        delay: Delay | None = None,
        lazy: bool = False,
        partial: int | None = None,
        stored_as: str | None = None,
    ) -> Self:
        """Stage a fault: for calls about `name` alone, and the first `times` of them, if given.

        "open" stands for ``_open`` too, "save" for ``_save``, and "*" for every method.

        - `error`: an exception, a class or a callable giving one; each call raises its own.
        - `delay`: seconds, or a callable called instead of sleeping.
        - `lazy`: ``open`` returns at once; the wrapped storage is asked, the delay waited for and
          the error raised, when the file is first touched.
        - `partial`: ``save`` stores this many bytes, then raises `error`, by default a
          ConnectionResetError.
        - `stored_as`: ``save`` stores the content under this name and returns it.
        """
        if method != "*" and method not in self._methods():
            raise ValueError(f"{type(self).__name__} intercepts no method {method!r}.")
        stage = Stage(method, name, times, error, delay, lazy, partial, stored_as)
        with self._lock:
            self._stages = [*self._stages, stage]
        return self

    def refusing(self, also: Iterable[str] = ()) -> Self:
        """Refuse every connection, as a server that is down.

        Methods that need no server (`url`, `path`, names) still answer, unless named in `also`.
        """
        code = errno.ECONNREFUSED
        return self._out(ConnectionRefusedError(code, os.strerror(code)), None, also)

    def denied(self, also: Iterable[str] = ()) -> Self:
        """Deny every access, as a server that does not accept the credentials."""
        return self._out(PermissionError(errno.EACCES, os.strerror(errno.EACCES)), None, also)

    def hanging(self, delay: Delay, also: Iterable[str] = ()) -> Self:
        """Let every call wait for `delay` and time out, as a server that does not answer."""
        code = errno.ETIMEDOUT
        return self._out(TimeoutError(code, os.strerror(code)), delay, also)

    def heal(self) -> Self:
        """Remove every stage; what was called stays recorded."""
        with self._lock:
            self._stages = []
        return self

    def forget(self) -> Self:
        """Forget the calls recorded so far; what is staged stays."""
        with self._lock:
            self._calls = []
        return self

    @property
    def calls(self) -> list[Call]:
        """Every call so far, in order, failed ones included."""
        with self._lock:
            return list(self._calls)

    @property
    def mutations(self) -> list[Call]:
        """The calls meant to change something: save, delete, open in a writing mode."""
        return [call for call in self.calls if call.mutates]

    def called(self, method: str = "*", name: str | None = None) -> list[Call]:
        """The calls of a method (as `stage` names them), about `name` alone if given."""
        return [call for call in self.calls if call.is_a(method) and name in (None, call.name)]

    def _meet(self, call: Call) -> Stage | None:
        # Predicates are the test's code: asked before the lock is taken.
        met = [stage for stage in self._stages if stage.meets(call)]
        with self._lock:
            self._calls.append(call)
            return next((stage for stage in met if stage.claim()), None)

    def _out(self, error: OSError, delay: Delay | None, also: Iterable[str]) -> Self:
        for method in sorted((self._methods() - _LOCAL) | set(also)):
            if self._implements(method):
                self.stage(method, error=error, delay=delay)
        return self

    def _implements(self, method: str) -> bool:
        # What a storage cannot do at all it cannot do in an outage either, and says so.
        inherited = getattr(Storage, method, None)
        own = getattr(type(self.wrapped), method, inherited)
        return method not in _OPTIONAL or own is not inherited

    @classmethod
    def _methods(cls) -> set[str]:
        return {name for name in dir(cls) if isinstance(getattr(cls, name), _Intercepted)}


# Not in the class: type checkers know each as Django's Storage declares it.
for _method in _METHODS:
    setattr(FaultyStorage, _method, _Intercepted(_method))


class RemoteFaultyStorage(FaultyStorage):
    """A `FaultyStorage` without local paths, whatever the wrapped storage has."""

    path: Any = Storage.path
