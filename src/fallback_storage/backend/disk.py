"""Files on this machine's disk: there at once and whole, or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

from fallback_storage.errors import NameChangedError
from fallback_storage.file_locks import directory_locked

#: What a temporary file's name begins with: no user's file does, and no listing shows it.
TEMPORARY = ".wh..wh.new-"

# What a file system without hard links answers.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES})


@contextmanager
def staged(storage: FileSystemStorage, name: str, content: File[bytes]) -> Iterator[str]:
    """Write ``content`` beside ``name``, where nobody sees it; yield the path it has there.

    The storage writes it itself, with the permissions and the group that it gives its files.
    """
    directory = os.path.dirname(name)
    temporary = os.path.join(directory, TEMPORARY + secrets.token_hex(8))
    path = storage.path(temporary)
    try:
        stored = storage._save(temporary, content)  # type: ignore[attr-defined]
        if stored != temporary:
            storage.delete(stored)
            raise NameChangedError(f"{name!r}: the storage gives files names of its own.")
        yield path
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path)


def make_directories(directory: str, mode: int | None) -> None:
    """Make what a directory's path lacks, with ``mode`` whatever the umask, as a save has it."""
    if os.path.isdir(directory):
        return
    make_directories(os.path.dirname(directory), mode)
    os.makedirs(directory, exist_ok=True)
    if mode is not None:
        os.chmod(directory, mode)


def publish(staged_path: str, path: str) -> bool:
    """Give a staged file its name, at once, if it is free; return whether it was."""
    try:
        os.link(staged_path, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _move(staged_path, path)
    return True


def _move(staged_path: str, path: str) -> bool:
    with directory_locked(os.path.dirname(path)):
        if os.path.lexists(path):
            return False
        os.rename(staged_path, path)
        return True
