"""Copying a file up into the backend that is written: once, whole, and undoing nothing.

Copy-up is for a change; promotion is the same for a read.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, BinaryIO, NoReturn, cast

from django.core.files.base import File

from fallback_storage.backend.backend import Backend
from fallback_storage.backend.content import SPOOL_SIZE
from fallback_storage.combined import reads
from fallback_storage.combined.attempts import Question
from fallback_storage.combined.base import CombinedStorage
from fallback_storage.conf import Promotion
from fallback_storage.locks import KeyedLock
from fallback_storage.outcomes import Outcome
from fallback_storage.signals import report_failure

_names = KeyedLock()


class _TooLarge(Exception):
    """A file is larger than what is to be promoted."""


class _NoRoom(Exception):
    """What was fetched could not be kept, by no fault of where it came from."""

    def __init__(self, error: OSError) -> None:
        self.error = error
        super().__init__()


def copy_up(storage: CombinedStorage, name: str, unless: Callable[[], bool]) -> None:
    """Copy a file up so that it can be changed, unless it is there by then.

    Raises ``FileNotFoundError`` if it is nowhere, ``StorageUnavailable`` where a backend failed.
    """
    target = storage.writable_backends[0]
    with _alone(target, name):
        source, file = reads.open_with_backend(storage, name, "rb")
        if source is target:
            file.close()
            return
        try:
            with _fetched(storage, source, file, name) as content:
                _create(storage, target, name, content, unless)
        except _NoRoom as error:
            _raise(storage, target, name, error.error)


def _create(
    storage: CombinedStorage,
    target: Backend,
    name: str,
    content: File[bytes],
    unless: Callable[[], bool],
) -> None:
    try:
        target.create(name, content, unless)
    except Exception as error:
        _raise(storage, target, name, error)


def _raise(storage: CombinedStorage, backend: Backend, name: str, error: Exception) -> NoReturn:
    question = Question(storage, "open", name, writing=True)
    question.failed(backend, error)
    question.nobody()


def open_promoted(
    storage: CombinedStorage,
    name: str,
    mode: str,
    promotion: Promotion,
    unless: Callable[[], bool],
) -> File[Any]:
    """Open a file for reading, in the backend that is written: it is copied up if need be."""
    target = storage.writable_backends[0]
    if promotion.includes(name) and _is_missing(target, name):
        with _alone(target, name):
            if _is_missing(target, name):
                return _Promotion(storage, target, promotion, unless).open(name, mode)
    return reads.open_with_backend(storage, name, mode)[1]


def _alone(target: Backend, name: str) -> AbstractContextManager[bool]:
    return _names.held((id(target.storage), name))


def _is_missing(target: Backend, name: str) -> bool:
    try:
        return not target.call("exists", name)
    except Exception:  # The read that follows says so.
        return False


class _Promotion:
    """Opens a file that the target lacks, and promotes it where that is wanted."""

    def __init__(
        self,
        storage: CombinedStorage,
        target: Backend,
        promotion: Promotion,
        unless: Callable[[], bool],
    ) -> None:
        self._storage = storage
        self._target = target
        self._promotion = promotion
        self._unless = unless

    def open(self, name: str, mode: str) -> File[Any]:
        source, file = reads.open_with_backend(self._storage, name, "rb")
        if self._is_below(source):
            if self._promote(source, file, name):
                return reads.open_with_backend(self._storage, name, mode)[1]
        elif mode == "rb":
            return file
        file.close()
        return source.open_for_reading(name, mode)

    def _is_below(self, source: Backend) -> bool:
        backends = self._storage.backends
        return backends.index(source) > backends.index(self._target)

    def _promote(self, source: Backend, file: File[Any], name: str) -> bool:
        """Copy a file up; return ``False`` where it is to be read, or must be, where it lies."""
        limit = self._promotion.max_size
        try:
            with _fetched(self._storage, source, file, name, limit) as content:
                return self._create(source, name, content)
        except _TooLarge:
            return False
        except _NoRoom as error:
            self._failed(error.error, name)
            return False

    def _create(self, source: Backend, name: str, content: File[bytes]) -> bool:
        try:
            self._target.create(name, content, partial(self._is_deleted, source, name))
            if self._storage.presence is not None:
                self._storage.presence.changed(name)
        except Exception as error:
            self._failed(error, name)
            return False
        return True

    def _is_deleted(self, source: Backend, name: str) -> bool:
        """Whether the file was deleted while it was fetched; from the last backend first."""
        if self._storage.options.delete == "all":
            return not _holds(source, name)
        return self._unless()

    def _failed(self, error: Exception, name: str) -> None:
        """A target that could not be written does not keep anybody from reading."""
        outcome = self._target.outcome_of(error, writing=True)
        if outcome is Outcome.REJECTED:
            raise error
        report_failure(self._storage, self._target.name, "promote", name, outcome, error)


def _holds(source: Backend, name: str) -> bool:
    try:
        return bool(source.call("exists", name))
    except Exception:  # Not known: nothing is brought back on a guess.
        return False


@contextmanager
def _fetched(
    storage: CombinedStorage,
    source: Backend,
    file: File[Any],
    name: str,
    max_size: int | None = None,
) -> Iterator[File[Any]]:
    """Fetch a file whole, before anything is written; a fault of ``source`` names it."""
    with cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=SPOOL_SIZE)) as spool:
        with file:
            _fill(spool, _chunks(storage, source, file, name, max_size))
        yield File(spool, name)


def _fill(spool: BinaryIO, chunks: Iterator[bytes]) -> None:
    for chunk in chunks:
        try:
            spool.write(chunk)
        except OSError as error:
            raise _NoRoom(error) from error
    spool.seek(0)


def _chunks(
    storage: CombinedStorage, source: Backend, file: File[Any], name: str, max_size: int | None
) -> Iterator[bytes]:
    limit = math.inf if max_size is None else max_size
    if max_size is not None and _known_size(file) > max_size:
        raise _TooLarge
    try:
        for chunk in file.chunks():
            limit -= len(chunk)
            if limit < 0:
                raise _TooLarge
            yield chunk
    except _TooLarge:
        raise
    except Exception as error:
        # As on a write nothing is missing: the file was there a moment ago.
        _raise(storage, source, name, error)


def _known_size(file: File[Any]) -> int:
    try:
        return file.size
    except Exception:  # What is not known is counted while it is read.
        return 0
