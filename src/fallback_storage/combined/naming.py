"""Names for new files: free in every backend."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, cast

from django.core.files.storage import Storage

from fallback_storage.backend.backend import Backend
from fallback_storage.combined.attempts import Attempts
from fallback_storage.combined.members import Members
from fallback_storage.combined.reads import first_answer, first_with
from fallback_storage.combined.saving import saving_of
from fallback_storage.errors import StorageUnavailable
from fallback_storage.names import alternative_name, file_name, shortened

#: Alternative names tried before a backend that claims every name is an error.
MAX_ALTERNATIVES = 100


def named_by_writer(members: Members, method: str, usual: Callable[..., str], *args: Any) -> str:
    """Return what ``method`` of the first writable backend makes of a name, if it has its own."""
    if method in members.ways:
        # A storage that cannot be built now keeps no name from being made.
        with suppress(StorageUnavailable):
            return str(getattr(members.writable[0].storage, method)(*args))
    return usual(*args)


def available_name(members: Members, name: str, max_length: int | None) -> str:
    """Return a name that is free in every backend, or that the first one is to overwrite."""
    own = members.ways
    if "get_available_name" in own and "save" not in own:
        return _chosen_by(members, members.writable[0], name, max_length)
    if max_length is not None and overwrites(members):
        name = shortened(name, max_length)
    return _free_name(members, name, max_length)


def _free_name(members: Members, name: str, max_length: int | None) -> str:
    search = AvailableName(partial(_claimant, members), members.owner.get_alternative_name)
    return search.get_available_name(name, max_length=max_length)


def _chosen_by(members: Members, writer: Backend, name: str, max_length: int | None) -> str:
    """Return the name that a backend's own ``get_available_name`` chooses.

    A taken name that it chooses is to be overwritten. The popular one deletes the file first. A
    name that another backend holds is not free, unless the file to overwrite hides that.
    """
    held = writer.lacks(name) is not True
    try:
        if held:
            members.shield(name)
        chosen = file_name(writer.get_available_name(name, max_length))
    except Exception as error:
        Attempts(members, "get_available_name", name, writing=True).failed(writer, error)
        return alternative_name(name, max_length)
    current = saving_of(members.owner)
    overwritten = (held and chosen == name) or writer.lacks(chosen) is not True
    others = [backend for backend in members.backends if backend is not writer]
    if not overwritten and any(other.lacks(chosen) is not True for other in others):
        return _free_name(members, chosen, max_length)
    if current is not None:
        current.chosen, current.overwrites = chosen, overwritten
    return chosen


def valid_name(members: Members, name: str) -> str:
    """Return a file name as the first writable backend cleans it, else the first that does."""
    if members.writable and members.writable[0] is not members.backends[0]:
        members = replace(members, backends=(*members.writable, *members.backends))
    valid: str = first_answer(members, "get_valid_name", name)
    return valid


def overwrites(members: Members) -> bool:
    """Return whether a save on a taken name replaces the file: as the first backend has it."""
    first = members.backends[0]
    return first.overwrites and not first.read_only


def _claimant(members: Members, name: str) -> str | None:
    """Return the backend that claims ``name``, ``""`` if it is free, ``None`` if nobody knows."""
    first, *others = members.backends
    keeps = overwrites(members)
    if "save" in members.ways:  # It finds a name itself.
        return _claimant_beside(members, members.writable[0], name)
    if keeps and not others:
        return ""
    ask = partial(first_with, members, "get_available_name", name, stops=False, ask="claims")
    claimant, attempts = ask(others if keeps else members.backends)
    if claimant is not None:
        # The first backend's own file is to be overwritten, wherever else the name lies.
        return "" if keeps and ask([first])[0] else claimant.name
    asked = cast(Attempts, attempts)
    return "" if asked.is_known and asked.any_missing else None


def _claimant_beside(members: Members, writer: Backend, name: str) -> str | None:
    others = [backend for backend in members.backends if backend is not writer]
    if not others:
        return ""
    ask = partial(first_with, members, "get_available_name", name, stops=False, ask="claims")
    claimant, attempts = ask(others)
    if claimant is not None:
        return claimant.name
    return "" if cast(Attempts, attempts).is_known else None


class AvailableName(Storage):
    """Django's own search for a free name, over another question than ``exists``.

    ``holder`` answers with the name of the backend that holds a name, ``""`` if none does, or
    ``None`` where that is not known: then a name with a random suffix will do, which is never a
    taken one.
    """

    def __init__(
        self,
        holder: Callable[[str], str | None],
        get_alternative_name: Callable[[str, str], str],
    ) -> None:
        self._holder = holder
        self._get_alternative_name = get_alternative_name
        self._wanted = ""
        self._max_length: int | None = None
        self._holders: dict[str, str] = {}
        self._tries = 0
        self._unknown = False

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        self._wanted, self._max_length = name, max_length
        if not (max_length and len(name) > max_length) and not self.exists(name):
            return name  # Django takes the name apart first: a tenth of the time of a save.
        return super().get_available_name(name, max_length=max_length)

    def exists(self, name: str) -> bool:
        if self._max_length and len(name) > self._max_length:
            return False  # Django's loop tests the length as well: no need to ask.
        if name not in self._holders:
            self._holders[name] = self._ask(name)
        holder = self._holders[name]
        if holder:
            self._count(holder)
        return bool(holder)

    def _ask(self, name: str) -> str:
        holder = self._holder(name)
        if holder is None:
            # Not known: the name itself is not good enough, one with a random suffix is.
            holder, self._unknown = "" if self._unknown else "a backend unknown", True
        return holder

    def _count(self, holder: str) -> None:
        name = self._wanted
        self._tries += 1
        if self._tries > MAX_ALTERNATIVES:
            raise StorageUnavailable(
                f"No free name like {name!r} in {MAX_ALTERNATIVES} tries: {holder} claims to hold"
                " every one. Does it answer for any name?",
                operation="get_available_name",
                name=name,
                failures={holder: FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)},
            )

    def get_alternative_name(self, file_root: str, file_ext: str) -> str:
        if self._unknown or self._tries > MAX_ALTERNATIVES // 2:
            return super().get_alternative_name(file_root, file_ext)
        return self._get_alternative_name(file_root, file_ext)
