"""Constructor arguments as a migration may hold them: JSON-safe, and without secrets."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self, cast

from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import Storage

_SECRET_WORDS = frozenset({"key", "token", "passphrase", "sas", "signature", "dsn"})
_SECRET_NAMES = frozenset({"authorization", "basic_auth", "connection_string", "headers"})
# However its words are written together.
_SECRET_PART = re.compile(r"secret|credential|passw|passphrase|pwd|token|(api|access|account)key")
# A password, the user of a site, who may be a token, and what signs a URL.
_SECRET_URL = re.compile(
    r"://[^/@\s]*:[^/@\s]+@|https?://[^/@\s]+@|[?&](sig|signature|[\w-]*token|x-amz-[\w-]+)=",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")  # Of snake_case and of CamelCase.
_WAY_OUT = "Configure the storage in STORAGES and name its alias instead."


class JSONDeconstructible:
    """A storage that a migration can hold: built from arguments that JSON has."""

    #: The name of the argument that may be given by its position.
    first_argument: ClassVar[str]

    _constructor_args: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        storage = super().__new__(cls)
        storage._constructor_args = (args, kwargs)
        return storage

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Return path and arguments for a migration, JSON-safe.

        Raises ``ImproperlyConfigured`` for what looks like a secret.
        """
        cls = type(self)
        args, kwargs = self._constructor_args
        safe_args = [json_safe(arg, f"{cls.__name__}: {cls.first_argument}") for arg in args]
        safe_kwargs = {key: json_safe(v, f"{cls.__name__}: {key}") for key, v in kwargs.items()}
        return f"{cls.__module__}.{cls.__qualname__}", safe_args, safe_kwargs


def json_safe(value: Any, place: str) -> Any:
    """Return ``value`` made of what JSON has; a storage becomes its mapping.

    Raises ``ImproperlyConfigured`` for what looks like a secret, and for what JSON does not have.
    """
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return _text(value, place)
        case os.PathLike():
            return _text(os.fspath(value), place)
        case {"BACKEND": Storage() as storage, **others}:
            return _storage(storage, place) | cast(dict[str, Any], json_safe(others, place))
        case Mapping():
            return {str(k): _item(str(k), v, place) for k, v in value.items()}
        case list() | tuple():
            return [json_safe(item, f"{place}[{index}]") for index, item in enumerate(value)]
        case Storage():
            return _storage(value, place)
    raise ImproperlyConfigured(
        f"{place}: a {type(value).__name__} cannot be written into a migration. {_WAY_OUT}"
    )


def _text(text: str, place: str) -> str:
    if _SECRET_URL.search(text):
        raise ImproperlyConfigured(f"{place} holds a password or a token. {_WAY_OUT}")
    return text


def _item(key: str, value: Any, place: str) -> Any:
    place = f"{place}[{key!r}]"
    words = {word.lower() for word in _WORD.findall(key)}
    is_named = key.lower() in _SECRET_NAMES or not _SECRET_WORDS.isdisjoint(words)
    if value and (is_named or _SECRET_PART.search(key.lower().replace("_", ""))):
        raise ImproperlyConfigured(
            f"{place} looks like a secret, which must not be written into a migration. {_WAY_OUT}"
        )
    return json_safe(value, place)


def _storage(storage: Storage, place: str) -> dict[str, Any]:
    deconstruct = getattr(storage, "deconstruct", None)
    if deconstruct is None:
        raise ImproperlyConfigured(
            f"{place}: a {type(storage).__name__} cannot be written into a migration: its class"
            f" is not deconstructible. {_WAY_OUT}"
        )
    path, args, kwargs = deconstruct()
    options = _named(type(storage), args, kwargs, place)
    return {"BACKEND": path} | ({"OPTIONS": json_safe(options, place)} if options else {})


def _named(
    cls: type[Storage], args: tuple[Any, ...], kwargs: dict[str, Any], place: str
) -> dict[str, Any]:
    """Return positional arguments by their names, as ``OPTIONS`` need them."""
    # Of __init__: a deconstructible class has a __new__ that takes anything.
    bound = inspect.signature(cls.__init__).bind_partial(None, *args, **kwargs)
    _, *given = bound.arguments.items()
    named = dict(given)
    for name, parameter in bound.signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL and name in named:
            raise ImproperlyConfigured(
                f"{place}: the arguments of {cls.__name__} have no names to write into a"
                f" migration. {_WAY_OUT}"
            )
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            named |= named.pop(name, {})
    return named
