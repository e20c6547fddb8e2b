"""Whether a file comes through a combined storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.base import CombinedStorage
from fallback_storage.combined.explain import Explanation
from fallback_storage.diagnosis import page
from fallback_storage.diagnosis.finding import Finding, Findings, problem, well
from fallback_storage.diagnosis.url import url_of_file


def file(
    storage: CombinedStorage, name: str, *, base_url: str | None, now: Callable[[], datetime]
) -> Findings:
    """Look for a file, read it from who has it, and ask its URL; promote nothing.

    Raises ``SuspiciousFileOperation`` for what is no name of a file.
    """
    explanation = storage.explain(name)
    by_name = {backend.name: backend for backend in storage.members.backends}
    if explanation.served_by is None:
        yield _absent(storage, explanation)
        return
    holder = by_name[explanation.served_by]
    try:
        content = _read(holder, explanation.name)
    except Exception as error:
        yield problem(
            "unreadable",
            name,
            f"{holder.name} has it, and it cannot be read: {type(error).__name__}",
            "Give its credentials the right to read (GetObject), or the process that of the file.",
        )
        return
    yield _read_through(name, explanation.why, content)
    yield from url_of_file(storage, explanation.name, content, base_url=base_url, now=now)


def _read(holder: Backend, name: str) -> bytes:
    with closing(holder.open(name, "rb")) as opened:
        return page.beginning(opened.chunks())


def _read_through(name: str, why: str, content: bytes) -> Finding:
    if not content:
        return problem("empty", name, f"{why}; it is empty", "Upload it again.")
    return well("comes-through", name, why)


def _absent(storage: CombinedStorage, explanation: Explanation) -> Finding:
    name, why = explanation.name, explanation.why
    with suppress(Exception):  # Who could not answer is another finding.
        if storage.members.hides(name):
            advice = f"To see it again: manage.py storage_changes --restore {name!r}."
            return problem("hidden", name, "it was deleted here: a whiteout hides it", advice)
    if any(answer.outcome.is_fault for answer in explanation.answers):
        return problem("not-known", name, why, "See what is said of that backend.")
    return problem("nowhere", name, why, _elsewhere(storage, name))


def _elsewhere(storage: CombinedStorage, name: str) -> str:
    """Return what to do about a name that nobody has: it may be there under another one."""
    for other in _other_names(name):
        for backend in storage.members.backends:
            with suppress(Exception):
                if backend.exists(other):
                    return (
                        f"{backend.name} has {other!r}. Correct its location, or the name in the"
                        " database."
                    )
    return "Is the name as the database has it, and the location of each backend right?"


def _other_names(name: str) -> Iterator[str]:
    media = urlsplit(settings.MEDIA_URL).path.strip("/")
    for prefix in dict.fromkeys((media, "media", "uploads")):
        if prefix and name.startswith(f"{prefix}/"):
            yield name.removeprefix(f"{prefix}/")
        elif prefix:
            yield f"{prefix}/{name}"
