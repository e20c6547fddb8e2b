"""Names are validated once, here, before any backend sees them.

Backends disagree: some refuse ``../x``, some quietly make it ``x``, some take it as it is. A plain
string check serves all; Django's ``validate_file_name`` would double the cost of ``exists``.
"""

from __future__ import annotations

import os

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import Storage


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
