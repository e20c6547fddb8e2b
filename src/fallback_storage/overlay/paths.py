"""Local paths of an overlay: whoever has one may write to it, so none leads below."""

from __future__ import annotations

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.attempts import Attempts
from fallback_storage.combined.copyup import TooLarge, copy_up
from fallback_storage.combined.members import Members
from fallback_storage.combined.promotion import PATIENCE, promote
from fallback_storage.combined.reads import holder
from fallback_storage.errors import UnsupportedOperation
from fallback_storage.locks import LockTimeout
from fallback_storage.outcomes import classify


def path(members: Members, name: str) -> str:
    """Return the path in the first backend; a local lower one's file is copied up for it.

    ``NotImplementedError`` where the first backend has no paths, the file is remote and not
    promoted, or it cannot be copied up.
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

    Where only backends without local paths could have it, and one of them could not answer, there
    is no path whatever it would have said: ``UnsupportedOperation``.
    """
    try:
        promote(members, name)
        return holder(members, "path", name)
    except Exception as error:
        is_fault = classify(error).is_fault
        if is_fault and all(each.is_remote or each.lacks(name) for each in members.backends):
            raise UnsupportedOperation(
                f"path({name!r}): no backend with local paths has the file, and another could not"
                " say whether it has it."
            ) from error
        raise
