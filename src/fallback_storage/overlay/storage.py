"""An overlay: files of its first backend over those of the others, which never change."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File

from fallback_storage.combined import opening
from fallback_storage.combined.base import CombinedStorage
from fallback_storage.combined.copyup import copy_up
from fallback_storage.combined.deletes import Delete
from fallback_storage.combined.members import Members
from fallback_storage.errors import UnsupportedOperation
from fallback_storage.overlay import paths, whiteouts
from fallback_storage.overlay.backends import Hiding, Reserved
from fallback_storage.overlay.whiteouts import Whiteouts


class Overlay(CombinedStorage):
    """Writes to its first backend alone; a whiteout there deletes what lies in the others."""

    writes_only_first = True
    skips_unlisted = False
    delete_policies: ClassVar[Mapping[str, Delete]] = MappingProxyType(
        {"whiteout": whiteouts.delete}
    )

    _file_name = staticmethod(whiteouts.file_name)
    _path_name = staticmethod(whiteouts.path_name)
    _url_name = staticmethod(whiteouts.url_name)

    def _build(self) -> Members:
        members = super()._build()
        upper, *lowers = members.backends
        if isinstance(upper.storage, Overlay):
            raise ImproperlyConfigured(
                f"{upper.name}: the first backend of an overlay must not be an overlay:"
                " each would take the other's whiteouts for its own. List its backends here."
            )
        found = Whiteouts(upper)
        for backend in members.backends:
            backend.wrap(Reserved())
        for lower in lowers:
            lower.wrap(Hiding(upper, found))
        return replace(members, hides=found.hide, shield=partial(whiteouts.shield, members))

    def path(self, name: str) -> str:
        """Return the local path in the first backend, never one of a lower backend.

        What a local lower backend holds is copied up for it, within ``promote``'s ``max_size``.
        ``NotImplementedError`` where there is no such path.
        """
        return paths.path(self.members, self._path_name(name))

    def _open_for_writing(self, members: Members, name: str, mode: str) -> File[Any]:
        upper = members.backends[0]
        if upper.adapter.refuses_mode(mode):
            raise UnsupportedOperation(
                f"open({name!r}, {mode!r}): {upper.name} cannot change a file in place."
                " Save the new content instead."
            )
        if "w" not in mode and "x" not in mode and not upper.read_only:
            with suppress(FileNotFoundError):  # Nothing to copy up: as for any storage.
                copy_up(members, name)
        return opening.open_for_writing(members, name, mode)
