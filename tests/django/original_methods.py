"""The thirteen methods that the original package's README lists, each used once."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile

CONTENT = b"original"
NAME = "notes/a b.txt"

#: What every storage with the files of `use_each` in its first backend says.
ANSWERS = {
    "_save": NAME,
    "_open": CONTENT.decode(),
    "exists": [True, False],
    "listdir": [["deep"], ["a b.txt"]],
    "size": len(CONTENT),
    "url": "/media/notes/a%20b.txt",
    "accessed_time": True,
    "created_time": True,
    "modified_time": True,
    "get_valid_name": "a_b.txt",
    "get_available_name": ["notes/free.txt", True],
    "path": CONTENT.decode(),
    "delete": False,
}


def use_each(storage: Any) -> dict[str, Any]:
    """What each method answers, made comparable: `ANSWERS` if all is well."""
    answers: dict[str, Any] = {"_save": storage._save(NAME, ContentFile(CONTENT))}
    storage._save("notes/deep/b.txt", ContentFile(b""))
    with storage._open(NAME) as file:
        answers["_open"] = file.read().decode()
    answers["exists"] = [storage.exists(NAME), storage.exists("notes/no.txt")]
    answers["listdir"] = [sorted(names) for names in storage.listdir("notes")]
    answers["size"] = storage.size(NAME)
    answers["url"] = storage.url(NAME)
    for method in ("accessed_time", "created_time", "modified_time"):
        answers[method] = _is_now_and_naive(getattr(storage, method)(NAME))
    answers["get_valid_name"] = storage.get_valid_name("a b.txt")
    free = storage.get_available_name("notes/free.txt")
    answers["get_available_name"] = [free, storage.get_available_name(NAME) != NAME]
    answers["path"] = Path(storage.path(NAME)).read_text()
    storage.delete(NAME)
    answers["delete"] = storage.exists(NAME)
    return answers


def _is_now_and_naive(time: datetime) -> bool:
    return time.tzinfo is None and abs(datetime.now() - time) < timedelta(minutes=1)
