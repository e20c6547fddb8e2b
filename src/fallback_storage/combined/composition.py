"""A storage that is composed of others: what it was given, and what is built of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django.core.files.storage import Storage
from django.views.decorators.debug import sensitive_variables

from fallback_storage import conf
from fallback_storage.backend.backend import Backend
from fallback_storage.backend.factory import build_backends, building
from fallback_storage.combined.members import Members
from fallback_storage.combined.presence import Presence
from fallback_storage.conf import Generation
from fallback_storage.deconstruction import JSONDeconstructible


class Composition(JSONDeconstructible, Storage):
    """A storage that is composed of others, built when it is first used."""

    #: The options that a class takes, with the values of each, the default first.
    policies: ClassVar[Mapping[str, Sequence[str]]]
    #: Whether the error of a single backend is raised as it is, not as ``StorageUnavailable``.
    raises_single_error: ClassVar[bool] = False
    #: Whether a listing leaves out a backend that has none.
    skips_unlisted: ClassVar[bool] = True
    #: Whether all backends but the first are read-only, whatever their settings say.
    writes_only_first: ClassVar[bool] = False

    first_argument = "backends"

    @sensitive_variables()
    def __init__(self, backends: Sequence[conf.Entry] | None = None, **options: Any) -> None:
        self.options: conf.StorageOptions = conf.storage_options(
            type(self), self.policies, backends, options
        )
        self._built: tuple[int, Members | None] = (-1, None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(o.name for o in self.options.backends())}>"

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_built": (-1, None)}

    @property
    def members(self) -> Members:
        """The backends and what is done with them; built on first use and as settings change."""
        generation, members = self._built
        if members is None or generation != Generation.number:
            with building(self):
                generation, members = self._built
                if members is None or generation != Generation.number:
                    members = self._build()
                    self._built = Generation.number, members
        return members

    def _build(self) -> Members:
        options = self.options.backends()
        if self.writes_only_first:
            options = (options[0], *(replace(each, read_only=True) for each in options[1:]))
        backends = build_backends(options, type(self))
        for backend in backends:
            if isinstance(backend.storage, Composition):
                backend.storage.members  # noqa: B018 - a circle shows now, not as a recursion.
        writable = tuple(backend for backend in backends if not backend.read_only)
        presence = self.options.presence
        return Members(
            owner=self,
            backends=backends,
            writable=writable,
            ways=writable[0].own if writable else frozenset(),
            on_fault=self.options.on_fault,
            delete=self.options.delete,
            raises_single_error=self.raises_single_error,
            skips_unlisted=self.skips_unlisted,
            presence=Presence(presence, type(self), options) if presence is not None else None,
            promotion=self.options.promotion,
        )

    @property
    def backends(self) -> tuple[Backend, ...]:
        """The backends in the order declared."""
        return self.members.backends

    @property
    def writable_backends(self) -> tuple[Backend, ...]:
        """The backends that may be written, in the order declared."""
        return self.members.writable

    @property
    def presence(self) -> Presence | None:
        """What is remembered of which backend holds a name, with the option ``presence``."""
        return self.members.presence
