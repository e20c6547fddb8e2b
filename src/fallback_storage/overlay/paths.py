"""Local paths of an overlay: whoever has one may write to it, so none leads below."""

from __future__ import annotations

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.attempts import Attempts
from fallback_storage.combined.copyup import TooLarge, copy_up
from fallback_storage.combined.members import Members
from fallback_storage.combined.paths import is_on_disk, path_holder, path_holder_remembered
from fallback_storage.combined.promotion import PATIENCE, promotes
from fallback_storage.errors import UnsupportedOperation
from fallback_storage.locks import LockTimeout


def path(members: Members, name: str) -> str:
    """Return the path in the first backend; a local lower one's file is copied up for it.

    ``NotImplementedError`` where the first backend has no paths, the file cannot be copied up, or
    a lower backend is remote and no disk has the file, which ``promote`` does not bring.
    """
    upper = members.backends[0]
    path = _path_in(members, upper, name)
    if not name:
        return path
    found = _holder(members, name)
    if found is upper:
        return path
    if found is None:
        if upper.read_only and not upper.claims(name):
            raise UnsupportedOperation(
                f"path({name!r}): no backend has the file, and {upper.name} is READ_ONLY."
            )
        return path
    if found.is_remote:
        raise UnsupportedOperation(f"path({name!r}): the file lies in {found.name}, not on disk.")
    if upper.read_only:
        raise UnsupportedOperation(
            f"path({name!r}): the file lies in {found.name}, and {upper.name} is READ_ONLY: no"
            " copy can be made for it. Open the file instead."
        )
    max_size = None if members.promotion is None else members.promotion.max_size
    try:
        with members.locked(name, PATIENCE):
            copy_up(members, name, max_size)
    except (TooLarge, LockTimeout, OSError) as error:
        raise UnsupportedOperation(
            f"path({name!r}): the file lies in {found.name}, and could not be copied up"
            f" ({type(error).__name__}). Open the file instead."
        ) from error
    return path


def _path_in(members: Members, upper: Backend, name: str) -> str:
    """Return the path of a name in the first backend, before anybody is asked for a file."""
    if upper.is_remote:  # Said whatever its breaker says.
        raise UnsupportedOperation(f"path({name!r}): {upper.name} has no local paths.")
    try:
        return upper.path(name)
    except Exception as error:
        attempts = Attempts(members, "path", name, stops=False)
        attempts.failed(upper, error)
        attempts.nobody()


def _holder(members: Members, name: str) -> Backend | None:
    """Return the backend that has a name once it is promoted, ``None`` if none has.

    Over a remote backend only what lies on a disk has a path, as over that backend alone: a new
    name has none, in an outage or not.
    """
    over_remote = any(each.is_remote for each in members.backends)
    if over_remote and not is_on_disk(members, name):
        found = path_holder_remembered(members, name) if promotes(members, name) else None
        if found is None:
            raise UnsupportedOperation(
                f"path({name!r}): no backend with local paths has the file. Open it, or save it,"
                " through the storage instead."
            )
        return found
    return path_holder(members, name)
