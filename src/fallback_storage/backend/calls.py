"""What a storage's methods are given, and what is made of their answers."""

from __future__ import annotations

import errno
import inspect
import os
from collections.abc import Callable
from typing import Any

from django.core.files.base import File

Call = Callable[..., Any]

_POSITIONAL = frozenset(
    {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
)


def url(method: Call, name: str, *args: Any, **keywords: Any) -> Any:
    """Return the URL made with those arguments that the storage's ``url`` takes."""
    if not args and not keywords:
        return method(name)
    parameters = inspect.signature(method).parameters
    kinds = [parameter.kind for parameter in parameters.values()]
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        keywords = {key: value for key, value in keywords.items() if key in parameters}
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        taken = sum(kind in _POSITIONAL for kind in kinds) - 1
        args = args[: max(taken, 0)]
    return method(name, *args, **keywords)


def size(method: Call, exists: Call | None, name: str) -> int:
    """Return the size; some storages give 0 or ``None`` for a file that is missing."""
    found: int = method(name)
    if not found and exists is not None and not exists(name):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    return found


def listdir(method: Call, path: str) -> tuple[list[str], list[str]]:
    """Return a listing made now, within the deadline: a storage's may be a lazy one."""
    directories, files = method(path)
    return list(directories), list(files)


def in_its_own_way(method: Call, name: str, max_length: int | None, *content: File[Any]) -> str:
    """Return the name that ``get_available_name`` or ``save`` gives a file.

    The method may come from a time when Django had no ``max_length``.
    """
    keywords = {} if max_length is None else {"max_length": max_length}
    return str(method(name, *content, **keywords)).replace("\\", "/")
