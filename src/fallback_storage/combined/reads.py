"""Reads: the first backend that answers, in the order declared.

While the first backend answers nothing is built that only its failure needs: FileSystemStorage
answers ``exists`` in 5 µs, and is to be no slower here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from django.core.files.base import File

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.attempts import Attempts, served
from fallback_storage.combined.members import Members
from fallback_storage.combined.presence import NOWHERE
from fallback_storage.signals import logger

#: Whether each operation is logged.
debugging: Callable[[], bool] = partial(logger.isEnabledFor, logging.DEBUG)


def first_answer(members: Members, operation: str, name: str) -> Any:
    """Return the first answer to ``operation``: ``size``, a time, ``get_valid_name``."""
    # What is remembered of a name must be known from when it was asked.
    attempts = None if members.presence is None else Attempts(members, operation, name)
    for backend in members.backends:
        try:
            answer = getattr(backend, operation)(name)
        except Exception as error:
            attempts = attempts or Attempts(members, operation, name)
            attempts.failed(backend, error)
        else:
            if attempts or debugging():
                served(members, attempts, operation, name, backend)
            return answer
    cast(Attempts, attempts).nobody()


def open_with_backend(
    members: Members, name: str, mode: str, attempts: Attempts | None = None
) -> tuple[Backend, File[Any], Attempts | None]:
    """Open a file for reading; return the backend that serves, and what others said before."""
    if attempts is None and members.presence is not None:
        attempts = Attempts(members, "open", name)
    for backend in members.backends:
        try:
            file = backend.open(name, mode)
        except Exception as error:
            attempts = attempts or Attempts(members, "open", name)
            attempts.failed(backend, error)
        else:
            if attempts or debugging():
                served(members, attempts, "open", name, backend)
            return backend, file, attempts
    cast(Attempts, attempts).nobody()


def first_with(
    members: Members,
    operation: str,
    name: str,
    backends: Sequence[Backend],
    *,
    stops: bool = True,
    ask: str = "exists",
) -> tuple[Backend | None, Attempts | None]:
    """Return the first of ``backends`` that says it has ``name``, and what others said before.

    ``stops``: whether ``on_fault="raise"`` holds here. They are asked for a file, or for anything
    of that name (``ask="claims"``).
    """
    attempts = None
    if members.presence is not None:
        attempts = Attempts(members, operation, name, stops=stops)
    for backend in backends:
        try:
            found = getattr(backend, ask)(name)
        except Exception as error:
            attempts = attempts or Attempts(members, operation, name, stops=stops)
            attempts.failed(backend, error)
        else:
            if found:
                return backend, attempts
            attempts = attempts or Attempts(members, operation, name, stops=stops)
            attempts.missing(backend)
    return None, attempts


def holder(
    members: Members, operation: str, name: str, *, may_skip: bool = False, ask: str = "exists"
) -> Backend | None:
    """Return the first backend that has ``name``, ``None`` if it is known that none has.

    ``may_skip``: whether ``on_fault="skip"`` holds here, and those that could answer are enough.
    """
    found, attempts = first_with(members, operation, name, members.backends, ask=ask)
    if found is None:
        refuse_ignorance(members, attempts, may_skip=may_skip)
        cast(Attempts, attempts).notice(NOWHERE)
    elif attempts is not None or debugging():
        served(members, attempts, operation, name, found)
    return found


def refuse_ignorance(members: Members, attempts: Attempts | None, *, may_skip: bool) -> None:
    """Raise where no backend was found, and one that could not answer may have the name."""
    asked = cast(Attempts, attempts)
    ignorant = asked.errors and not (may_skip and members.on_fault == "skip")
    if ignorant or not asked.any_missing:
        asked.nobody()
