"""Names are validated once, here, before any backend sees them.

Backends disagree: some refuse ``../x``, some quietly make it ``x``, some take it as it is. A plain
string check serves all; Django's ``validate_file_name`` would double the cost of ``exists``.
"""

from __future__ import annotations

import os

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import Storage

#: What the names of temporary files and probes begin with. No listing shows them, and no class
#: takes such a name from its caller.
TEMPORARY = ".wh..wh."


def file_name(name: object) -> str:
    """Return the canonical name of a file, for ``open``, ``save``, ``size`` and the times.

    Raises ``SuspiciousFileOperation`` for an empty or absolute name, a ``..`` part, NUL or a
    trailing slash.
    """
    if type(name) is str and is_canonical(name) and name[-1] != "/":
        text = name
    else:
        base = _text(name).rpartition("/")[2]
        if base in {"", ".", ".."}:  # In the words that Django has for it.
            raise SuspiciousFileOperation(
                f"Could not derive file name from {base!r}: {name!r} is not the name of a file."
            )
        text = _canonical(name)
    return _unreserved(text) if TEMPORARY in text else text


def path_name(name: object) -> str:
    """Return the canonical name of a file or directory; ``""`` is the root.

    For ``exists``, ``listdir`` and ``path``. Raises ``SuspiciousFileOperation`` for an absolute
    name, a ``..`` part or NUL.
    """
    text = name if type(name) is str and is_canonical(name) else _canonical(name)
    text = text.rstrip("/") if text[-1:] == "/" else text
    return _unreserved(text) if TEMPORARY in text else text


def url_name(name: object) -> str:
    """Return ``name`` without leading slashes, for ``url``; ``..`` is refused.

    ``None`` and ``""`` are the root.
    """
    text = "" if name is None else _text(name).lstrip("/")
    if ".." in text:
        _refuse_parent(text)
    return _unreserved(text) if TEMPORARY in text else text


def is_canonical(text: str) -> bool:
    """Whether ``text`` is the name of a file or directory in the one way that it is kept."""
    odd = not text or text[0] in "./" or "/." in text or "//" in text
    return not odd and "\\" not in text and "\0" not in text


def _canonical(name: object) -> str:
    text = _text(name)
    _refuse_parent(text)
    if text[:1] == "/":
        raise SuspiciousFileOperation(f"{text!r} is an absolute path.")
    if "\0" in text:
        raise SuspiciousFileOperation(f"{text!r} has a NUL character.")
    end = "/" if text[-1:] == "/" else ""
    return "/".join(part for part in text.split("/") if part not in {"", "."}) + end


def _text(name: object) -> str:
    if name is None or isinstance(name, bytes):
        raise SuspiciousFileOperation(f"{name!r} is not the name of a file.")
    return str(name).replace("\\", "/")


def _refuse_parent(text: str) -> None:
    if ".." in text.split("/"):
        directory, _, base = text.rpartition("/")
        place = text if base == ".." else directory
        raise SuspiciousFileOperation(f"Detected path traversal attempt in {place!r} ({text!r}).")


def _unreserved(text: str) -> str:
    if any(part.startswith(TEMPORARY) for part in text.split("/")):
        raise SuspiciousFileOperation(
            f"{text!r}: names that begin with {TEMPORARY!r} are kept for temporary files. Give"
            " the file another name."
        )
    return text


def alternative_name(name: str, max_length: int | None = None) -> str:
    """Return ``name`` with a random suffix, no longer than it where its root allows that.

    Raises ``SuspiciousFileOperation`` where ``max_length`` leaves no room for one.
    """
    directory, _, base = name.rpartition("/")
    root, extension = os.path.splitext(base)
    room = len(root) - len(_SUFFIX)
    if room <= 0:
        excess = 0 if max_length is None else len(name) + len(_SUFFIX) - max_length
        room = len(root) - max(excess, 0)
        if room <= 0:
            raise SuspiciousFileOperation(
                f"There is no room for another name like {name!r} within {max_length} characters."
                " Allow a longer name (max_length)."
            )
    alternative = Storage().get_alternative_name(root[:room], extension)
    return f"{directory}/{alternative}" if directory else alternative


def shortened(name: str, max_length: int) -> str:
    """Return ``name`` with so much less of its root that it fits, if something is left of that."""
    root, extension = os.path.splitext(name)
    fitting = root[: max(max_length - len(extension), 0)]
    directory = name.rpartition("/")[0]
    return fitting + extension if len(fitting) > len(directory) + bool(directory) else name


# What Django puts behind a name that is taken; as long as this.
_SUFFIX = "_1234567"
