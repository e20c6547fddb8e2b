"""What a `FaultyStorage` was asked, in the words of the one who asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

_CHANGING = frozenset({"save", "_save", "delete"})
_NAMING = ("name", "path", "filename", "file_root")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a storage: the method, the name it was about, the arguments as given."""

    method: str
    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Self:
        """The call with these arguments; ``save(None, content)`` is about the content's name."""
        name = args[0] if args else next((kwargs[key] for key in _NAMING if key in kwargs), None)
        if name is None:
            name = getattr(cls(method, "", args, kwargs).content, "name", None)
        return cls(method, "" if name is None else str(name), args, kwargs)

    @property
    def content(self) -> Any:
        """What a ``save`` was given to store."""
        return self._argument("content", None)

    @property
    def mode(self) -> str:
        """The mode of an ``open``."""
        return str(self._argument("mode", "rb"))

    @property
    def mutates(self) -> bool:
        """Whether it was meant to change what is stored."""
        return self.method in _CHANGING or (
            self.is_a("open") and not {*"wax+"}.isdisjoint(self.mode)
        )

    def is_a(self, method: str) -> bool:
        """Whether it is a call of this method: ``"save"`` is also ``_save``, ``"*"`` is any."""
        return method in ("*", self.method) or self.method == f"_{method}"

    def storing(self, name: str, content: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of the same ``save`` with another name and content."""
        others = {k: v for k, v in self.kwargs.items() if k not in ("name", "content")}
        return (name, content, *self.args[2:]), others

    def _argument(self, keyword: str, default: object) -> Any:
        return self.args[1] if len(self.args) > 1 else self.kwargs.get(keyword, default)
