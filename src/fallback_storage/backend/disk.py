"""Files on this machine's disk: there at once and whole, or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

from fallback_storage.backend.copied import Copied
from fallback_storage.file_locks import directory_locked
from fallback_storage.names import TEMPORARY


class Upload(Protocol):
    """Content that lies in a file of its own."""

    def take_path(self) -> str | None:
        """Return the path of the file, once."""


# What a file system without hard links answers, by system: exFAT, CIFS, FUSE.
_NO_LINKS = frozenset(
    {
        *(errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK),
        *(errno.EACCES, errno.EXDEV, errno.EINVAL),
    }
)
# What one answers that has no files without a name.
_NO_NAMELESS = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS})
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
# Windows has none.
_NAMES_GROUPS = os.name == "posix"
# A file without a name is linked by way of its descriptor.
_DESCRIPTORS = "/proc/self/fd"
_NAMELESS = getattr(os, "O_TMPFILE", 0) if os.path.isdir(_DESCRIPTORS) else 0


@contextmanager
def staged(
    storage: FileSystemStorage, path: str, content: File[bytes], *, named: bool = False
) -> Iterator[str]:
    """Write ``content`` beside ``path``, where nobody sees it; yield a path to link it from.

    It has the permissions and the group that the storage gives its files. Without ``named`` it
    has no name, where the file system can do that: a process that is killed leaves nothing.
    """
    directory = os.path.dirname(path)
    try:
        descriptor, source = _create(directory, named)
    except FileNotFoundError:
        make_directories(directory, storage.directory_permissions_mode)
        descriptor, source = _create(directory, named)
    is_nameless = source.startswith(_DESCRIPTORS)
    try:
        try:
            for chunk in content.chunks():
                _write(descriptor, chunk)
            finish(storage, source)
            if isinstance(content, Copied) and content.modified is not None:
                os.utime(source, (time.time(), content.modified.timestamp()))
        finally:
            if not is_nameless:
                os.close(descriptor)  # Some file systems say only now that the disk is full.
        yield source
    finally:
        if is_nameless:
            os.close(descriptor)
        else:
            with suppress(FileNotFoundError):
                os.unlink(source)


def _create(directory: str, named: bool) -> tuple[int, str]:
    if _NAMELESS and not named:
        try:
            descriptor = os.open(directory, os.O_WRONLY | _NAMELESS, 0o666)
        except OSError as error:
            if error.errno not in _NO_NAMELESS:
                raise
        else:
            return descriptor, f"{_DESCRIPTORS}/{descriptor}"
    source = os.path.join(directory, f"{TEMPORARY}new-{secrets.token_hex(8)}")
    try:
        return os.open(source, _FLAGS, 0o666), source
    except FileExistsError:
        raise
    except BaseException:  # It may be there all the same: an interrupt, a network disk.
        with suppress(OSError):
            os.unlink(source)
        raise


def _write(descriptor: int, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[os.write(descriptor, left) :]


def finish(storage: FileSystemStorage, path: str) -> None:
    """Give a file the permissions and the group that the storage gives its files."""
    if storage.file_permissions_mode is not None:
        os.chmod(path, storage.file_permissions_mode)
    if _NAMES_GROUPS:
        group = os.stat(storage.location).st_gid
        if os.stat(path).st_gid != group:
            with suppress(PermissionError):
                os.chown(path, -1, group)


def lstat(path: str) -> os.stat_result | None:
    """Return what the disk says of a path, ``None`` if there is no such file.

    Any other error is raised: ``os.path.lexists`` takes every one for absence.
    """
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def make_directories(directory: str, mode: int | None) -> None:
    """Make what a directory's path lacks, with ``mode`` whatever the umask, as a save has it."""
    if os.path.isdir(directory):
        return
    make_directories(os.path.dirname(directory), mode)
    os.makedirs(directory, exist_ok=True)
    if mode is not None:
        os.chmod(directory, mode)


class NoLinks(Exception):
    """The file system cannot give a file a second name."""


def publish(source: str, path: str) -> bool:
    """Give a staged file its name, at once, if it is free; return whether it was.

    Raises ``NoLinks`` for a file without a name, which then has to be staged with one.
    """
    try:
        return _link(source, path)
    except NoLinks:
        if source.startswith(_DESCRIPTORS):
            raise
    # A rename would replace a file: whoever else does this, replaces or deletes waits.
    with directory_locked(os.path.dirname(path)):
        if lstat(path) is not None:
            return False
        os.rename(source, path)
    return True


def _link(source: str, path: str) -> bool:
    try:
        if source.startswith(_DESCRIPTORS):
            # With a descriptor of any directory Python follows the link to the file.
            os.link(source, path, src_dir_fd=int(os.path.basename(source)), follow_symlinks=True)
        else:
            os.link(source, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno in _NO_LINKS:
            raise NoLinks from error
        raise
    return True


def movable(content: File[bytes]) -> str | None:
    """Return the path of an upload on this disk that can be moved where it is to be kept.

    Only once: every further copy of it is one of its bytes, as two names would be one file.
    """
    upload: Upload | None = getattr(content, "upload", None)
    return None if upload is None else upload.take_path()


def move(storage: FileSystemStorage, upload: str, path: str) -> bool | None:
    """Move an upload to its name, if that is free; return whether it was.

    ``None`` where it lies on another file system, or where there are no links.
    """
    try:
        make_directories(os.path.dirname(path), storage.directory_permissions_mode)
        finish(storage, upload)
        linked = _link(upload, path)
    except NoLinks:
        return None
    if linked:
        with suppress(FileNotFoundError):
            os.unlink(upload)
    return linked
