"""Names are validated once, here, before any backend sees them.

Backends disagree: some refuse ``../x``, some quietly make it ``x``, some take it as it is. A plain
string check serves all; Django's ``validate_file_name`` would double the cost of ``exists``.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import Storage

from fallback_storage.errors import StorageUnavailable

#: Alternative names tried before a backend that claims every name is an error.
MAX_ALTERNATIVES = 100


def file_name(name: object) -> str:
    """Return the canonical name of a file, for ``open``, ``save``, ``size`` and the times.

    Raises ``SuspiciousFileOperation`` for an empty or absolute name, a ``..`` part, NUL or a
    trailing slash.
    """
    text = name if type(name) is str and is_canonical(name) else _canonical(name)
    if not text or text[-1] == "/":
        raise SuspiciousFileOperation(f"{name!r} is not the name of a file.")
    return text


def path_name(name: object) -> str:
    """Return the canonical name of a file or directory; ``""`` is the root.

    For ``exists``, ``listdir`` and ``path``. Raises ``SuspiciousFileOperation`` for an absolute
    name, a ``..`` part or NUL.
    """
    text = name if type(name) is str and is_canonical(name) else _canonical(name)
    return text.rstrip("/") if text[-1:] == "/" else text


def url_name(name: object) -> str:
    """Return ``name`` without leading slashes, for ``url``; ``..`` is refused."""
    text = _text(name).lstrip("/")
    if ".." in text:
        _refuse_parent(text)
    return text


def is_canonical(text: str) -> bool:
    """Whether ``text`` is the name of a file or directory in the one way that it is kept."""
    odd = not text or text[0] in "./" or "/." in text or "//" in text
    return not odd and "\\" not in text and "\0" not in text


def _canonical(name: object) -> str:
    text = _text(name)
    if text[:1] == "/":
        raise SuspiciousFileOperation(f"{text!r} is an absolute path.")
    if "\0" in text:
        raise SuspiciousFileOperation(f"{text!r} has a NUL character.")
    _refuse_parent(text)
    end = "/" if text[-1:] == "/" else ""
    return "/".join(part for part in text.split("/") if part not in {"", "."}) + end


def _text(name: object) -> str:
    if name is None or isinstance(name, bytes):
        raise SuspiciousFileOperation(f"{name!r} is not the name of a file.")
    return str(name).replace("\\", "/")


def _refuse_parent(text: str) -> None:
    if ".." in text.split("/"):
        raise SuspiciousFileOperation(f"Detected path traversal attempt in {text!r}.")


def alternative_name(name: str) -> str:
    """Return ``name`` with a random suffix, no longer than it where its root allows that."""
    directory, base = os.path.split(name)
    root, extension = os.path.splitext(base)
    room = len(root) - len("_1234567")
    alternative = Storage().get_alternative_name(root[:room] if room > 0 else root, extension)
    return os.path.join(directory, alternative)


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
        if self._unknown:
            return super().get_alternative_name(file_root, file_ext)
        return self._get_alternative_name(file_root, file_ext)
