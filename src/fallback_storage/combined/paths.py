"""Local paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.attempts import Attempts
from fallback_storage.combined.members import Members
from fallback_storage.combined.promotion import promote
from fallback_storage.combined.reads import holder


def path(members: Members, name: str) -> str:
    """Return the holder's path; of a name that nobody has, the first writable backend's.

    The root is on this disk only if every backend's is. A file is promoted first.
    """
    if name:
        promote(members, name)
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


def _asked(members: Members, name: str) -> Sequence[Backend]:
    if not name or members.backends == members.writable[:1]:
        return members.backends  # The root is everybody's; a lone backend need not be asked.
    found = holder(members, "path", name)
    return members.writable[:1] if found is None else [found]
