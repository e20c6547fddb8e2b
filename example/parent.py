"""Servers that end with the process that started them, however it went."""

from __future__ import annotations

import os
import sys

# Asks Linux to kill the server when its parent is gone. Done in a process of its own before it
# becomes the server: `preexec_fn` is unsafe once threads run.
_DIE_WITH_PARENT = (
    "import ctypes, os, signal, sys;"
    "ctypes.CDLL(None).prctl(1, signal.SIGKILL);"
    "os.getppid() == int(sys.argv[1]) and os.execv(sys.argv[2], sys.argv[2:])"
)


def ending_with_parent(command: list[str]) -> list[str]:
    """Return the command that runs another, which ends with the thread that starts it."""
    if sys.platform != "linux":
        return command
    return [sys.executable, "-IS", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command]
