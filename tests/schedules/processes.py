"""Processes on one machine, as far as the package can tell: each has a copy of its modules."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from random import Random, SystemRandom
from types import ModuleType
from typing import Any
from unittest.mock import patch

from . import locks
from .actors import actor

PACKAGE = "fallback_storage"


@dataclass(frozen=True)
class Process:
    """A copy of the package: nothing that it keeps in memory is shared with another's."""

    storage: ModuleType

    def combined(self, kind: str, backends: list[Any], **options: Any) -> Any:
        """Return a combined storage of this process, built."""
        combined = getattr(self.storage, kind)(backends=backends, **options)
        assert combined.backends
        return combined


@cache
def process(name: str) -> Process:
    """Return the process of that name, the same one each time."""
    kept = _taken_out()
    locks.importing.append(True)
    try:
        with locks.in_turns():
            copy = Process(importlib.import_module(f"{PACKAGE}.storage"))
            locks.take_turns_for(sys.modules[f"{PACKAGE}.locks"])
            return copy
    finally:
        locks.importing.pop()
        _taken_out()
        sys.modules.update(kept)


def _taken_out() -> dict[str, ModuleType]:
    names = [n for n in sys.modules if n == PACKAGE or n.startswith(f"{PACKAGE}.")]
    return {name: sys.modules.pop(name) for name in names}


#: What is left to chance, by actor: the same in each run, and never the same for two actors.
_chances: dict[str, Random] = {}


def forget_chances() -> None:
    """Begin again with what is left to chance."""
    _chances.clear()


def _chance() -> Random:
    me = actor()
    name = "" if me is None else me.name
    return _chances.setdefault(name, Random(name))


@contextmanager
def without_chance() -> Iterator[None]:
    """Let what is random be the same in each run."""
    replaced: dict[str, Any] = {
        "getrandbits": staticmethod(lambda k: _chance().getrandbits(k)),
        "randbytes": staticmethod(lambda n: _chance().randbytes(n)),
        "random": staticmethod(lambda: _chance().random()),
    }
    with (
        patch.multiple(SystemRandom, **replaced),
        patch.object(os, "urandom", lambda n: _chance().randbytes(n)),
    ):
        yield
