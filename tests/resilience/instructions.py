"""Something happens at each instruction of this package, one run for each of them.

A signal can only come at some of them, and which they are depends on the Python; so does the
moment at which garbage is collected.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

PACKAGE = "fallback_storage"


class Interrupt(BaseException):
    """What Ctrl-C and the time limit of a task are to the code that they interrupt."""


class Instruction:
    """Does something before the n-th instruction of this package in the thread it is traced in."""

    def __init__(self, number: int, happen: Callable[[], object]) -> None:
        self._left = number
        self._happen = happen
        self.is_reached = False
        self.is_over = False

    def trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        if not str(frame.f_globals.get("__name__")).startswith(PACKAGE) or self.is_over:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._step

    def _step(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "opcode" and not self.is_over:
            self._left -= 1
            if not self._left:
                self.is_reached = self.is_over = True
                self._happen()
        return self._step


def interrupted_everywhere(begin: Callable[[], T], act: Callable[[T], object]) -> Iterator[T]:
    """Give what ``begin`` makes after ``act`` was interrupted at its first, second, … instruction.

    The last one is not interrupted any more.
    """

    def interrupt(subject: T) -> None:
        raise Interrupt

    yield from disturbed_everywhere(begin, act, interrupt)


def disturbed_everywhere(
    begin: Callable[[], T], act: Callable[[T], object], disturb: Callable[[T], object]
) -> Iterator[T]:
    """Give what ``begin`` makes after ``disturb`` came before the n-th instruction of ``act``."""
    number, is_reached = 0, True
    while is_reached:
        number += 1
        subject = begin()
        instruction = Instruction(number, partial(disturb, subject))
        before = sys.gettrace()
        sys.settrace(instruction.trace)
        try:
            act(subject)
        except Interrupt:
            assert instruction.is_reached
        finally:
            sys.settrace(before)
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
