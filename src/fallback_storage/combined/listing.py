"""The set of what lies in all backends."""

from __future__ import annotations

from functools import partial
from typing import Any

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.attempts import Attempts
from fallback_storage.combined.members import Members
from fallback_storage.errors import UnsupportedOperation
from fallback_storage.names import TEMPORARY
from fallback_storage.outcomes import Outcome
from fallback_storage.resilience.parallel import in_parallel
from fallback_storage.signals import logger


def listdir(members: Members, path: str) -> tuple[list[str], list[str]]:
    """Return the directories and files of all backends, each once.

    Never short: a backend that could not answer may hold more. ``on_fault="skip"`` wants it so.
    """
    attempts = Attempts(members, "listdir", path)
    # As dictionaries for their order: that of the backends.
    directories: dict[str, None] = {}
    files: dict[str, None] = {}
    answers = 0
    asks = [partial(_ask, backend, path) for backend in members.backends]
    several = sum(backend.is_remote for backend in members.backends) > 1 and members.thread_safe
    for backend, (answer, error) in zip(
        members.backends,
        in_parallel(asks) if several else (ask() for ask in asks),  # One that raises may end it.
        strict=False,
    ):
        if error is not None:
            attempts.failed(backend, error)
            unlisted = attempts.outcomes[backend.name] is Outcome.UNSUPPORTED
            if unlisted and not members.skips_unlisted:
                raise UnsupportedOperation(
                    f"listdir({path!r}): {backend.name} cannot list its files, so that the list"
                    " would be short. Give an HTTPStorage the option index."
                ) from error
            continue
        answers += 1
        directories |= dict.fromkeys(answer[0])
        files |= dict.fromkeys(answer[1])
    if not answers or (attempts.errors and members.on_fault != "skip"):
        attempts.nobody()
    logger.debug("listdir(%r): %d of %d backends answered", path, answers, len(members.backends))
    return [d for d in directories if not d.startswith(TEMPORARY)], [
        f for f in files if not f.startswith(TEMPORARY)
    ]


def _ask(backend: Backend, path: str) -> tuple[Any, Exception | None]:
    try:
        return backend.listdir(path), None
    except Exception as error:
        return None, error
