"""What a `FaultyStorage` is told to do wrong, and to which calls."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from django.core.files.base import ContentFile

from .calls import Call
from .lazyfile import LazyFile

#: An exception (copied for each call), a class, or a callable that gives one.
Error: TypeAlias = BaseException | Callable[[], BaseException]
#: Seconds to wait, or what to call instead (``event.wait`` hangs until the test lets go).
Delay: TypeAlias = float | Callable[[], object]
#: One name, or a predicate of the name.
Names: TypeAlias = str | Callable[[str], bool]
Sleep: TypeAlias = Callable[[float], object]


@dataclass(eq=False)
class Stage:
    """One fault: the calls it meets, and what becomes of them.

    A call first waits for `delay`, then stores the first `partial` bytes, then raises `error`;
    without an error it goes on to the wrapped storage.
    """

    method: str
    name: Names | None = None
    times: int | None = None
    error: Error | None = None
    delay: Delay | None = None
    lazy: bool = False
    partial: int | None = None
    stored_as: str | None = None

    def __post_init__(self) -> None:
        """Refuse what could never happen."""
        if self.lazy and self.method not in ("open", "_open"):
            raise ValueError(f"Only open can be lazy, not {self.method!r}.")
        saving = self.partial is not None or self.stored_as is not None
        if saving and self.method not in ("save", "_save"):
            raise ValueError(f"Only save stores something, not {self.method!r}.")
        if not (saving or self.lazy or self.error is not None or self.delay is not None):
            raise ValueError(f"Nothing is staged for {self.method!r}.")
        if self.partial is not None and self.error is None:
            self.error = ConnectionResetError

    def meets(self, call: Call) -> bool:
        """Whether the fault is meant for this call."""
        if not call.is_a(self.method):
            return False
        return self.name(call.name) if callable(self.name) else self.name in (None, call.name)

    def claim(self) -> bool:
        """Use the fault up by one; ``False`` if it was used up before. The caller locks."""
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0

    def play(self, call: Call, target: Callable[..., Any], sleep: Sleep) -> Any:
        """Answer the call as staged; `target` is the wrapped storage's method."""
        if self.lazy:
            return LazyFile(partial(self._play, call, target, sleep), call.name, call.mode)
        return self._play(call, target, sleep)

    def _play(self, call: Call, target: Callable[..., Any], sleep: Sleep) -> Any:
        self._wait(sleep)
        name = self.stored_as or call.name
        if self.partial is not None:
            self._store(call, target, name, ContentFile(_head(call.content, self.partial), name))
        if self.error is not None:
            raise _fresh(self.error)
        if self.stored_as is not None:
            return self._store(call, target, name, call.content)
        return target(*call.args, **call.kwargs)

    def _wait(self, sleep: Sleep) -> None:
        if callable(self.delay):
            self.delay()
        elif self.delay is not None:
            sleep(self.delay)

    @staticmethod
    def _store(call: Call, target: Callable[..., Any], name: str, content: Any) -> Any:
        args, kwargs = call.storing(name, content)
        return target(*args, **kwargs)


def _head(content: Any, size: int) -> Any:
    """The first bytes, from the start where the content can seek: what ``chunks()`` does."""
    with contextlib.suppress(AttributeError, io.UnsupportedOperation):
        content.seek(0)
    head = content.read(size)
    # A raw stream may give less than it was asked for.
    while len(head) < size and (more := content.read(size - len(head))):
        head += more
    return head


def _fresh(error: Error) -> BaseException:
    """An error of its own for each call, so that tracebacks and notes do not pile up."""
    if not isinstance(error, BaseException):
        return error()
    try:
        fresh = copy.copy(error)
    except TypeError:  # its class takes other arguments than it keeps
        return error
    fresh.__cause__, fresh.__context__ = error.__cause__, error.__context__
    fresh.__suppress_context__ = error.__suppress_context__
    return fresh
