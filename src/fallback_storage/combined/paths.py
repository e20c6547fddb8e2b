"""Local paths.

Whoever asks for one may only want to know whether the storage is local (``path("test")``). So no
server is asked where its answer could not lead to a path.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.attempts import Attempts
from fallback_storage.combined.members import Members
from fallback_storage.combined.promotion import promote
from fallback_storage.combined.reads import holder
from fallback_storage.errors import UnsupportedOperation
from fallback_storage.outcomes import Outcome, classify


def path(members: Members, name: str) -> str:
    """Return the holder's path; of a name that nobody has, the first writable backend's.

    The root is on this disk only if every backend's is. A file is promoted first.
    """
    attempts = Attempts(members, "path", name)
    paths: list[str | None] = []
    for backend in _asked(members, name):
        try:
            paths.append(backend.path(name))
        except Exception as error:
            attempts.failed(backend, error)
            paths.append(None)
    if not paths or None in paths:
        attempts.nobody()
    return cast(str, paths[0])


def is_on_disk(members: Members, name: str) -> bool:
    """Return whether a backend with local paths has a file or directory, or cannot say."""
    return any(not each.is_remote and _may_claim(each, name) for each in members.backends)


def path_holder(members: Members, name: str) -> Backend | None:
    """Return the backend that has a name once it is promoted, ``None`` if none has.

    ``UnsupportedOperation`` where a remote backend could not say, and no other has the name: there
    is no path whatever it would have said.
    """
    try:
        promote(members, name)
        return holder(members, "path", name)
    except Exception as error:
        if classify(error).is_fault and not is_on_disk(members, name):
            raise UnsupportedOperation(
                f"path({name!r}): no backend with local paths has the file, and another could not"
                " say whether it has it."
            ) from error
        raise


def path_holder_remembered(members: Members, name: str) -> Backend | None:
    """Return what ``path_holder`` does; that nobody has the name is remembered for a moment."""
    if name in members.nowhere:
        return None
    found = path_holder(members, name)
    if found is None:
        members.nowhere.add(name)
    return found


def _asked(members: Members, name: str) -> Sequence[Backend]:
    if not name or members.backends == members.writable[:1]:
        return members.backends  # The root is everybody's; a lone backend need not be asked.
    if is_on_disk(members, name):
        found = path_holder(members, name)
    else:
        found = _remote_holder(members, name)
    return members.writable[:1] if found is None else [found]


def _remote_holder(members: Members, name: str) -> Backend | None:
    """Return the backend that has a name which no disk has, ``None`` if none has.

    Where the first writable backend has no paths, there is none either way, and nobody is asked.
    """
    if all(each.is_remote for each in members.writable[:1]):
        raise UnsupportedOperation(f"path({name!r}): no backend with local paths has the file.")
    return path_holder_remembered(members, name)


def _may_claim(backend: Backend, name: str) -> bool:
    try:
        return backend.claims(name)
    except Exception as error:
        if backend.outcome_of(error) is Outcome.REJECTED:
            raise
        return True
