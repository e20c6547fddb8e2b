"""The set of what lies in all backends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fallback_storage.engine.question import Question
from fallback_storage.signals import logger

if TYPE_CHECKING:
    from fallback_storage.engine.combined import CombinedStorage


def listdir(storage: CombinedStorage, path: str) -> tuple[list[str], list[str]]:
    """Return the directories and files of all backends, each once.

    Never short: a backend that could not answer may hold more. ``on_fault="skip"`` wants it so.
    """
    question = Question(storage, "listdir", path)
    # As dictionaries for their order: that of the backends.
    directories: dict[str, None] = {}
    files: dict[str, None] = {}
    answers = 0
    for backend in storage.backends:
        try:
            their_directories, their_files = backend.call("listdir", path)
        except Exception as error:
            question.failed(backend, error)
        else:
            answers += 1
            directories |= dict.fromkeys(their_directories)
            files |= dict.fromkeys(their_files)
    if not answers or (question.errors and storage.on_fault != "skip"):
        question.nobody()
    logger.debug("listdir(%r): %d of %d backends answered", path, answers, len(storage.backends))
    return list(directories), list(files)
