"""Something happens at each instruction of this package, one run for each of them.

A signal is heard at some of them only, and garbage collected at others; at which depends on the
Python.
"""

from __future__ import annotations

import gc
import opcode
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

PACKAGE = "fallback_storage"
# From Python 3.12 on not every instruction of a function is traced the first time: there it is
# each line.
BY_INSTRUCTION = sys.version_info < (3, 12)
STEP = "opcode" if BY_INSTRUCTION else "line"


class Interrupt(BaseException):
    """What Ctrl-C and the time limit of a task are to the code that they interrupt."""


class Instruction:
    """Does something before the n-th instruction of this package in the thread it is traced in."""

    def __init__(
        self, number: int, happen: Callable[[], object], *, but_before: tuple[str, ...] = ()
    ) -> None:
        self._left = number
        self._happen = happen
        self._but_before = but_before
        self.is_reached = False
        self.is_over = False

    def trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        if not str(frame.f_globals.get("__name__")).startswith(PACKAGE) or self.is_over:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = BY_INSTRUCTION, not BY_INSTRUCTION
        return self._step

    def _step(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == STEP and not self.is_over and not self._is_excepted(frame):
            self._left -= 1
            if not self._left:
                self.is_reached = self.is_over = True
                self._happen()
        return self._step

    def _is_excepted(self, frame: FrameType) -> bool:
        if not self._but_before or not BY_INSTRUCTION:
            return False
        return opcode.opname[frame.f_code.co_code[frame.f_lasti]].startswith(self._but_before)


def interrupted_everywhere(begin: Callable[[], T], act: Callable[[T], object]) -> Iterator[T]:
    """Give what ``begin`` makes after ``act`` was interrupted at its first, second, … instruction.

    The last one is not interrupted any more. None is just before a call: what CPython has prepared
    for it then would be used for the next one.
    """

    def interrupt(subject: T) -> None:
        raise Interrupt

    yield from _everywhere(begin, act, interrupt, but_before=("PRECALL", "CALL"))


def disturbed_everywhere(
    begin: Callable[[], T], act: Callable[[T], object], disturb: Callable[[T], object]
) -> Iterator[T]:
    """Give what ``begin`` makes after ``disturb`` came before the n-th instruction of ``act``."""
    yield from _everywhere(begin, act, disturb)


def _everywhere(
    begin: Callable[[], T],
    act: Callable[[T], object],
    happen: Callable[[T], object],
    *,
    but_before: tuple[str, ...] = (),
) -> Iterator[T]:
    number, is_reached = 0, True
    while is_reached:
        number += 1
        subject = begin()
        instruction = Instruction(number, partial(happen, subject), but_before=but_before)
        before = sys.gettrace()
        gc.disable()  # What the one before left is collected elsewhere.
        sys.settrace(instruction.trace)
        try:
            act(subject)
        except Interrupt:
            assert instruction.is_reached
        finally:
            sys.settrace(before)
            gc.enable()
        is_reached = instruction.is_reached
        yield subject
    assert number > 10  # Else nothing was traced.


def disturbed_in_its_threads(
    begin: Callable[[], T], act: Callable[[T], object], disturb: Callable[[T], object]
) -> Iterator[T]:
    """Like ``disturbed_everywhere``, in the thread that ``act`` starts."""
    number, is_reached = 0, True
    while is_reached:
        number += 1
        subject = begin()
        instruction = Instruction(number, partial(disturb, subject))
        before = threading.gettrace()
        threading.settrace(instruction.trace)
        try:
            act(subject)
        finally:
            threading.settrace(before)
        instruction.is_over = True
        is_reached = instruction.is_reached
        yield subject
    assert number > 10  # Else nothing was traced.
