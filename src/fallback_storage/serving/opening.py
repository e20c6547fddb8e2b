"""A file opened to be served, or a part of it, from the first backend that has it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from fallback_storage.backend.backend import Backend
from fallback_storage.backend.copied import facts_told
from fallback_storage.backend.part import Part
from fallback_storage.combined.attempts import Attempts
from fallback_storage.combined.members import Members
from fallback_storage.errors import UnsupportedOperation
from fallback_storage.serving.ranges import Range
from fallback_storage.serving.representation import Representation
from fallback_storage.statuses import http_status

_NOT_SATISFIABLE = 416


@dataclass(frozen=True)
class Opened:
    """A file at the byte ``position``, and what is known of it."""

    file: Any
    representation: Representation
    backend: Backend
    position: int = 0

    def seek(self, start: int) -> None:
        """Go to where a part begins: at once, or by reading what comes before."""
        ahead = start - self.position
        if ahead > 0 and not self.backend.is_remote and self.file.seekable():
            self.file.seek(start)
            return
        while ahead > 0 and (chunk := self.file.read(min(ahead, 1024 * 1024))):
            ahead -= len(chunk)


def opened_here(members: Members, name: str) -> Opened | None:
    """Open a file of the first backend, if that is a disk and has it; else return ``None``."""
    first = members.backends[0]
    if not first.is_remote:
        with suppress(Exception):  # Whoever opens it next says why.
            return _opened_in(first, name, None)
    return None


def opened(members: Members, name: str, part: Range | None) -> Opened:
    """Open a file where the first backend has it that answers; a remote one is asked for a part.

    Raises what a read raises.
    """
    attempts = Attempts(members, "open", name)
    for backend in members.backends:
        try:
            return _opened_in(backend, name, part)
        except Exception as error:
            attempts.failed(backend, error)
    attempts.nobody()


def _opened_in(backend: Backend, name: str, part: Range | None) -> Opened:
    if backend.is_remote:
        with suppress(UnsupportedOperation):
            given = _part(backend, name, part)
            said = Representation(name, given.size, given.facts)
            return Opened(given.content, said, backend, given.start)
    file = backend.open(name, "rb")
    try:
        return Opened(file, _said(backend, name, file), backend)
    except BaseException:
        file.close()
        raise


def _part(backend: Backend, name: str, part: Range | None) -> Part:
    """Begin to read a part; all of the file where it does not have that part, for its size."""
    if part is not None:
        try:
            return backend.read_part(name, part.header)
        except Exception as error:
            if http_status(error) != _NOT_SATISFIABLE:
                raise
    return backend.read_part(name, None)


def _said(backend: Backend, name: str, file: Any) -> Representation:
    facts = facts_told(backend.adapter.facts, file)
    if facts.modified is None:
        with suppress(Exception):  # Not all have times.
            facts = replace(facts, modified=backend.get_modified_time(name))
    return Representation(name, _size(backend, name, file), facts)


def _size(backend: Backend, name: str, file: Any) -> int:
    if not backend.is_remote:
        with suppress(AttributeError, OSError):  # Of this very file, if another takes its name.
            return os.fstat(file.fileno()).st_size
    if not file.seekable():
        return backend.size(name)
    size: int = file.seek(0, os.SEEK_END)  # Of what it gives: S3 keeps another size of a gzip.
    file.seek(0)
    return size
