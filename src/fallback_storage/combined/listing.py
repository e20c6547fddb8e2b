"""The set of what lies in all backends."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.attempts import Question
from fallback_storage.resilience.parallel import in_parallel
from fallback_storage.signals import logger

if TYPE_CHECKING:
    from fallback_storage.combined.base import CombinedStorage


def listdir(storage: CombinedStorage, path: str) -> tuple[list[str], list[str]]:
    """Return the directories and files of all backends, each once.

    Never short: a backend that could not answer may hold more. ``on_fault="skip"`` wants it so.
    """
    question = Question(storage, "listdir", path)
    # As dictionaries for their order: that of the backends.
    directories: dict[str, None] = {}
    files: dict[str, None] = {}
    answers = 0
    for backend, (answer, error) in zip(storage.backends, _ask(storage, path), strict=False):
        if error is not None:
            question.failed(backend, error)
            continue
        answers += 1
        their_directories, their_files = answer
        directories |= dict.fromkeys(their_directories)
        files |= dict.fromkeys(their_files)
    if not answers or (question.errors and storage.on_fault != "skip"):
        question.nobody()
    logger.debug("listdir(%r): %d of %d backends answered", path, answers, len(storage.backends))
    return list(directories), list(files)


def _ask(storage: CombinedStorage, path: str) -> Iterable[tuple[Any, Exception | None]]:
    """Return what each backend answers or raises; of several remote ones at the same time."""
    calls = [partial(_attempt, backend, path) for backend in storage.backends]
    if sum(backend.is_remote for backend in storage.backends) > 1 and storage.bears_threads:
        return in_parallel(calls)
    return (call() for call in calls)  # One that raises may end it.


def _attempt(backend: Backend, path: str) -> tuple[Any, Exception | None]:
    try:
        return tuple(map(list, backend.call("listdir", path))), None
    except Exception as error:
        return None, error
