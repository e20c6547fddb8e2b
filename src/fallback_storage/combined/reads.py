"""Reads: the first backend that answers, in the order declared.

While the first backend answers nothing is built that only its failure needs: FileSystemStorage
answers ``exists`` in 5 µs, and is to be no slower here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from django.core.files.base import File

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.attempts import Question
from fallback_storage.combined.presence import NOWHERE
from fallback_storage.names import AvailableName
from fallback_storage.outcomes import Outcome
from fallback_storage.signals import logger

if TYPE_CHECKING:
    from fallback_storage.combined.base import CombinedStorage


# The operations whose answer shows that the backend has the file.
_OF_A_FILE = frozenset(
    {"open", "size", "get_accessed_time", "get_created_time", "get_modified_time"}
)
#: Whether each operation is logged.
debugging = partial(logger.isEnabledFor, logging.DEBUG)


def first_answer(storage: CombinedStorage, operation: str, name: str) -> Any:
    """Return the first answer to ``operation``: ``size``, a time, ``get_valid_name``."""
    question = None
    for backend in storage.backends:
        try:
            answer = backend.call(operation, name)
        except Exception as error:
            question = question or Question(storage, operation, name)
            question.failed(backend, error)
        else:
            if question or storage.presence or debugging():
                served(storage, question, operation, name, backend)
            return answer
    cast(Question, question).nobody()


def open_with_backend(storage: CombinedStorage, name: str, mode: str) -> tuple[Backend, File[Any]]:
    """Open a file for reading; return the backend that serves as well."""
    question = None
    for backend in storage.backends:
        try:
            file = backend.open_for_reading(name, mode)
        except Exception as error:
            question = question or Question(storage, "open", name)
            question.failed(backend, error)
        else:
            if question or storage.presence or debugging():
                served(storage, question, "open", name, backend)
            return backend, file
    cast(Question, question).nobody()


def served(
    storage: CombinedStorage,
    question: Question | None,
    operation: str,
    name: str,
    backend: Backend,
) -> None:
    """``backend`` serves, others having been asked before if there is a ``question``."""
    logger.debug("%s(%r): %s serves", operation, name, backend.name)
    if question is not None:
        question.passed_to(backend)
    if operation in _OF_A_FILE and (question is None or not question.errors):
        noticed(storage, name, backend)


def noticed(storage: CombinedStorage, name: str, found: Backend | None) -> None:
    """It is known that ``found`` is the first with ``name``, or that none has it."""
    if storage.presence is not None:
        storage.presence.noticed(name, NOWHERE if found is None else found.name)


def holder(
    storage: CombinedStorage, operation: str, name: str, *, may_skip: bool = False
) -> Backend | None:
    """Return the first backend that has ``name``, ``None`` if it is known that none has.

    ``may_skip``: whether ``on_fault="skip"`` holds here, and those that could answer are enough.
    """
    found, question = first_with(storage, operation, name, storage.backends)
    if question is not None or storage.presence is not None or debugging():
        _settle(storage, question, operation, name, found, may_skip=may_skip)
    return found


def find(storage: CombinedStorage, operation: str, name: str) -> tuple[Backend | None, bool]:
    """Return what ``locate`` needs: the holder, and whether every backend before it could answer.

    Nothing of it is remembered here.
    """
    found, question = first_with(storage, operation, name, storage.backends)
    if question is not None:
        _refuse_ignorance(question, found, may_skip=True)
        if found is not None:
            served(storage, question, operation, name, found)
    return found, question is None or not question.errors


def _settle(
    storage: CombinedStorage,
    question: Question | None,
    operation: str,
    name: str,
    found: Backend | None,
    *,
    may_skip: bool,
) -> None:
    if question is not None:
        _refuse_ignorance(question, found, may_skip=may_skip)
    if found is not None:
        served(storage, question, operation, name, found)
    if question is None or not question.errors:
        noticed(storage, name, found)


def _refuse_ignorance(question: Question, found: Backend | None, *, may_skip: bool) -> None:
    """Raise where no backend was found, and one that could not answer may have the name."""
    if found is not None:
        return
    if question.errors and not (may_skip and question.storage.on_fault == "skip"):
        question.nobody()
    if not question.anybody_said(Outcome.MISSING):
        question.nobody()


def first_with(
    storage: CombinedStorage,
    operation: str,
    name: str,
    backends: Sequence[Backend],
    *,
    stops: bool = True,
) -> tuple[Backend | None, Question | None]:
    """Return the first of ``backends`` that says it has ``name``, and what others said before.

    ``stops``: whether ``on_fault="raise"`` holds here.
    """
    question = None
    for backend in backends:
        try:
            found = backend.call("exists", name)
        except Exception as error:
            question = question or Question(storage, operation, name, stops=stops)
            question.failed(backend, error)
        else:
            if found:
                return backend, question
            question = question or Question(storage, operation, name, stops=stops)
            question.missing(backend)
    return None, question


def path(storage: CombinedStorage, name: str) -> str:
    """Return the holder's path; of a name that nobody has, the first writable backend's.

    The root is on this disk only if every backend's is.
    """
    question = Question(storage, "path", name)
    paths = [_path(question, backend) for backend in _asked_for_path(storage, name)]
    if not paths or None in paths:
        question.nobody()
    return cast(str, paths[0])


def _asked_for_path(storage: CombinedStorage, name: str) -> Sequence[Backend]:
    if not name or storage.backends == storage.writable_backends[:1]:
        return storage.backends  # The root is everybody's; a lone backend need not be asked.
    found = holder(storage, "path", name)
    return storage.writable_backends[:1] if found is None else [found]


def _path(question: Question, backend: Backend) -> str | None:
    try:
        path: str = backend.call("path", question.name)
    except Exception as error:
        question.failed(backend, error)
        return None
    return path


def available_name(storage: CombinedStorage, name: str, max_length: int | None) -> str:
    """Return a name that is free in every backend, or that the first one is to overwrite."""
    search = AvailableName(partial(_claimant, storage), storage.get_alternative_name)
    return search.get_available_name(name, max_length=max_length)


def _claimant(storage: CombinedStorage, name: str) -> str | None:
    """Return the backend that claims ``name``, ``""`` if it is free, ``None`` if nobody knows."""
    first, *others = storage.backends
    keeps = storage.file_overwrite
    if keeps and not others:
        return ""
    ask = partial(first_with, storage, "get_available_name", name, stops=False)
    claimant, question = ask(others if keeps else storage.backends)
    if claimant is not None:
        # The first backend's own file is to be overwritten, wherever else the name lies.
        return "" if keeps and ask([first])[0] else claimant.name
    asked = cast(Question, question)
    return None if asked.errors or not asked.anybody_said(Outcome.MISSING) else ""
