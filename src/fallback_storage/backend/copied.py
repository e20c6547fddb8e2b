"""What a copy in another backend keeps of its file, beside the content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from django.core.files.base import File

if TYPE_CHECKING:
    AnyFile = File[Any]
else:  # Django 4.2 to 6.1 have no File[Any].
    AnyFile = File


@dataclass(frozen=True)
class Facts:
    """What an opened file tells of itself; ``None`` is what is not known."""

    content_type: str | None = None
    modified: datetime | None = None
    #: In which form the content is, such as compressed.
    encoding: str | None = None


def facts_told(tell: Callable[[Any], Facts], file: Any) -> Facts:
    """Return what ``tell`` makes of an opened file; nothing is known where it fails."""
    try:
        return tell(file)
    except Exception:
        return Facts()


class Copied(AnyFile):
    """Content that was fetched, to be stored as a copy; S3, Azure and GCS heed its type."""

    def __init__(self, content: BinaryIO, name: str, facts: Facts) -> None:
        super().__init__(content, name)
        self.content_type: str | None = facts.content_type
        self.modified: datetime | None = facts.modified
