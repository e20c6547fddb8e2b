"""What happens between two steps of a piece of work: an interrupt, a destructor, another call."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any

Work = Callable[[], object]
# Python 3.12.1 can crash while it traces instructions and other threads run: from there on a step
# is a line, as in tests/resilience/instructions.py.
BY_INSTRUCTION = sys.version_info < (3, 12)
STEP = "opcode" if BY_INSTRUCTION else "line"

#: Takes a number, an action and work. Does the work, and the action before the step that has the
#: number; returns whether the work has as many steps.
Steps = Callable[[int, Work, Work], bool]


class Interrupt(BaseException):
    """Ctrl-C, or the end of a task's time."""


def instructions(*modules: ModuleType) -> Steps:
    """Return steps of which each is an instruction of ``modules`` or of contextlib."""
    files = {module.__file__ for module in (contextlib, *modules)}

    def at(number: int, action: Work, work: Work) -> bool:
        counted = 0

        def trace(frame: FrameType, event: str, _: object) -> Any:
            nonlocal counted
            if frame.f_code.co_filename not in files:
                return None
            frame.f_trace_opcodes, frame.f_trace_lines = BY_INSTRUCTION, not BY_INSTRUCTION
            if event == STEP:
                counted += 1
                if counted == number:
                    action()
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            work()
        finally:
            sys.settrace(before)
        return counted >= number or not counted  # Python 3.12 begins with the second time.

    return at


def calls(number: int, action: Work, work: Work) -> bool:
    """Take for a step each call of a function, and each end of one that is written in C.

    Unlike the tracing of instructions this leaves the measuring of coverage on.
    """
    counted = 0

    def profile(frame: FrameType, event: str, _: object) -> None:
        nonlocal counted
        # An error here would end a generator without its `finally`, which no interrupt does.
        resumes = event == "call" and frame.f_code.co_flags & inspect.CO_GENERATOR
        if event == "return" or resumes:
            return
        counted += 1
        if counted == number:
            action()

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted >= number


def interrupted(steps: Steps, number: int, work: Work) -> bool:
    """Do ``work``, with an interrupt at a step."""

    def interrupt() -> None:
        raise Interrupt

    try:
        return steps(number, interrupt, work)
    except Interrupt:
        return True
