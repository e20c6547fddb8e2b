"""One call, on its way from its caller to the thread that makes it, and back."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, copy_context
from typing import Any, Generic, NamedTuple, TypeVar, cast

T = TypeVar("T")

#: Whose calls are under way in this context: what is called again within one is a part of it.
under_way: ContextVar[tuple[object, ...]] = ContextVar("fallback_storage_under_way", default=())

#: The call that this context is a part of, if a thread of a bulkhead makes it.
_current: ContextVar[Callable[[], Call[Any] | None]] = ContextVar("fallback_storage_call")

_CALLER, _WORKER = "caller", "worker"


def current_call() -> Call[Any] | None:
    """Return the call that this is a part of, if a thread of a bulkhead makes it."""
    call = _current.get(None)
    return None if call is None else call()


def has_answered() -> None:
    """Say that the server has answered, and that what follows takes as long as it takes.

    The caller's deadline was for the answer; what follows has to be bounded by its client.
    """
    call = current_call()
    if call is not None:
        call.is_answered = True


def _nothing() -> None:
    """Do nothing."""


class Recovery(NamedTuple):
    """What makes a client usable: in a thread, after an error, and while a call of it is stuck."""

    after_error: Callable[[], object] = _nothing
    give_up: Callable[[], object] = _nothing
    #: Builds what a thread needs for its first call; ``True`` if it had to.
    prepare: Callable[[], bool | None] = _nothing


NO_RECOVERY = Recovery()


class Call(Generic[T]):
    """What is to be done, what it came to, and who decides about it.

    Caller and worker may disagree about its start and its end, and workers about the place of one
    that is stuck in it. Who claims each of these first has it. A claim can be repeated.
    """

    def __init__(self, function: Callable[[], T], recovery: Recovery, owner: object) -> None:
        self.function = function
        self.recovery = recovery
        self.error: BaseException | None = None
        self.began_at: float | None = None
        #: Whether the client that it needs is being built.
        self.is_preparing: bool = False
        #: Whether its deadline no longer counts.
        self.is_answered = False
        #: Whether what it holds has been let go of, so that other calls can be made.
        self.is_given_up = False
        #: Whoever has claimed the end releases it when done with that; the other waits for it.
        self.ended: threading.Lock = threading.Lock()
        self.ended.acquire()
        self._answer: T
        self._context = copy_context()
        self._context.run(under_way.set, (*under_way.get(), owner))
        # Weakly: the context is its own, and what a call came to is not to wait for the collector.
        self._context.run(_current.set, weakref.ref(self))
        self._claims: dict[str, object] = {}

    def _claim(self, what: str, who: object) -> bool:
        # One step of the interpreter: an interrupt comes before it or after it.
        return self._claims.setdefault(what, who) == who

    def withdraw(self) -> bool:
        """See to it that nobody begins it; ``False`` if somebody has."""
        return self._claim("start", _CALLER)

    def begin(self) -> bool:
        """Claim to make it; ``False`` if it has been withdrawn."""
        return self._claim("start", _WORKER)

    def leave(self) -> bool:
        """Leave it to itself: it is stuck; ``False`` if it has come to its end."""
        return self._claim("end", _CALLER)

    def finish(self) -> bool:
        """Claim that it is answered; ``False`` if it was left to itself before."""
        return self._claim("end", _WORKER)

    def replace(self) -> bool:
        """Claim the place of the thread that is stuck in it for this thread."""
        return self._claim("place", threading.get_ident())

    @property
    def is_stuck(self) -> bool:
        return self._claims.get("end") == _CALLER

    @property
    def is_over(self) -> bool:
        return "end" in self._claims

    @property
    def is_replaceable(self) -> bool:
        return self.is_given_up and "place" not in self._claims

    def prepare(self) -> bool:
        """Build the client that it needs; return whether there was none.

        What that raises is for the call to raise again.
        """
        try:
            self.is_preparing = True
            with suppress(Exception):
                return bool(self._context.run(self.recovery.prepare))
        finally:
            self.is_preparing = False
        return True

    def make(self) -> None:
        try:
            self._answer = self._context.run(self.function)
        except BaseException as error:
            self.error = error
            if not self.is_stuck:
                with suppress(BaseException):
                    self.recovery.after_error()

    def result(self) -> T:
        if self.error is None:
            return self._answer
        try:
            raise self.error
        finally:
            self.error = None  # Its traceback holds this frame, and that holds this call.

    def hand_over(self) -> None:
        """Let its caller have the answer; without one, close what may be an opened file."""
        if not self.is_stuck:
            self.ended.release()
            return
        self.error = None
        with suppress(BaseException):
            cast(Any, self._answer).close()
