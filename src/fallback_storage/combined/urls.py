"""URLs: from the first backend that has the file, from the last if none has it."""

from __future__ import annotations

from typing import Any

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.attempts import Attempts, served
from fallback_storage.combined.members import Members
from fallback_storage.combined.presence import LAST_OR_NOWHERE, NOWHERE
from fallback_storage.combined.reads import debugging
from fallback_storage.errors import UnsupportedOperation
from fallback_storage.names import is_canonical
from fallback_storage.outcomes import Outcome, classify

#: What is to be handed to the backend that answers: arguments, and keywords.
Given = tuple[tuple[Any, ...], dict[str, Any]]


def url(members: Members, name: str, given: Given) -> str:
    """Return the URL that the first backend with the file gives, the last if none has it."""
    if not name or "\0" in name:  # The root, or what no file can be called: nobody is asked.
        return _served(members, None, name, members.backends[-1], given)
    # Under another spelling of the name nobody would notice a change.
    if members.presence is not None and is_canonical(name):
        remembered = members.presence.holder(name)
        if remembered is not None and (url := _remembered(members, remembered, name, given)):
            return url
    attempts = None if members.presence is None else Attempts(members, "url", name)
    for backend in members.backends[:-1]:
        try:
            found = backend.exists(name)
        except Exception as error:
            attempts = attempts or Attempts(members, "url", name)
            attempts.failed(backend, error)
        else:
            if found:
                return _served(members, attempts, name, backend, given, found=True)
            attempts = attempts or Attempts(members, "url", name)
            attempts.missing(backend)
    return _served(members, attempts, name, members.backends[-1], given)


def _remembered(members: Members, holder: str, name: str, given: Given) -> str | None:
    """Return the URL that the remembered holder gives, if it does."""
    last = members.backends[-1]
    try:
        if holder in (NOWHERE, LAST_OR_NOWHERE):
            return last.url(name, *given[0], **given[1])
        for backend in members.backends:
            if backend.name == holder and not backend.refuses:
                return backend.url_of_holder(name, *given[0], **given[1])
    except Exception as error:
        if classify(error) is Outcome.REJECTED:
            raise
        return None  # Asked again, it is told apart who could not answer.
    return None


def _served(
    members: Members,
    attempts: Attempts | None,
    name: str,
    backend: Backend,
    given: Given,
    *,
    found: bool = False,
) -> str:
    """Return the URL of the backend that has the file, or of the last one; raise its error."""
    try:
        answer: str | None = backend.url(name, *given[0], **given[1])
        if answer is None:
            raise UnsupportedOperation(f"{backend.name} has no URL for {name!r}.")
    except Exception as error:
        attempts = attempts or Attempts(members, "url", name)
        attempts.failed(backend, error)
        if found and backend.name in attempts.guesses:
            raise  # It has just said that it has the file.
        attempts.nobody()
    if attempts or debugging():
        served(members, attempts, "url", name, backend)
    if attempts is not None and is_canonical(name):
        attempts.notice(LAST_OR_NOWHERE if backend is members.backends[-1] else backend.name)
    return answer
