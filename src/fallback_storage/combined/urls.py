"""URLs: from the first backend that has the file, from the last if none has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.attempts import Question
from fallback_storage.combined.presence import LAST_OR_NOWHERE, NOWHERE
from fallback_storage.combined.reads import debugging, served
from fallback_storage.names import is_canonical
from fallback_storage.outcomes import Outcome, classify

if TYPE_CHECKING:
    from fallback_storage.combined.base import CombinedStorage


def url(storage: CombinedStorage, name: str, keywords: dict[str, Any]) -> str:
    """Return the URL that the first backend with the file gives, the last if none has it."""
    # Under another spelling of the name nobody would notice a change.
    if storage.backends and storage.presence is not None and is_canonical(name):
        remembered = storage.presence.holder(name)
        if remembered is not None and (url := _from(storage, remembered, name, keywords)):
            return url
    return _asked(storage, name, keywords)


def _from(
    storage: CombinedStorage, holder: str, name: str, keywords: dict[str, Any]
) -> str | None:
    """Return the URL that the remembered holder gives, if it does."""
    try:
        if holder in (NOWHERE, LAST_OR_NOWHERE):
            return storage.backends[-1].url(name, keywords)
        for backend in storage.backends:
            if backend.name == holder and not (backend.guard and backend.guard.refuses):
                # Not asked whether the name is hidden: that is remembered as well.
                return Backend.url(backend, name, keywords)
    except Exception as error:
        if classify(error) is Outcome.REJECTED:
            raise
        return None  # Asked again, it is told apart who could not answer.
    return None


def _asked(storage: CombinedStorage, name: str, keywords: dict[str, Any]) -> str:
    """Ask each backend but the last whether it has the file: that one gives the URL anyway."""
    question = None
    last = storage.backends[-1]
    for backend in storage.backends:
        try:
            if backend is last or backend.call("exists", name):
                answer = backend.url(name, keywords)
                _served(storage, question, name, backend)
                return answer
        except Exception as error:
            question = question or Question(storage, "url", name)
            question.failed(backend, error)
        else:
            question = question or Question(storage, "url", name)
            question.missing(backend)
    cast(Question, question).nobody()


def _served(
    storage: CombinedStorage, question: Question | None, name: str, backend: Backend
) -> None:
    if question or debugging():
        served(storage, question, "url", name, backend)
    if (
        storage.presence is not None
        and is_canonical(name)
        and (question is None or not question.errors)
    ):
        is_last = backend is storage.backends[-1]
        storage.presence.noticed(name, LAST_OR_NOWHERE if is_last else backend.name)
