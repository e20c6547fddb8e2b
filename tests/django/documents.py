"""Documents, made and looked at."""

from __future__ import annotations

from django.core.files.base import ContentFile

from .models import Document

CONTENT = b"minutes of the meeting\n" * 10_000


def name_of(document: Document) -> str:
    return str(document.file.name)


def saved(name: str = "minutes.txt", content: bytes = CONTENT) -> Document:
    return Document.objects.create(file=ContentFile(content, name))


def again(document: Document) -> Document:
    """The document as another request finds it, with nothing of the file in memory."""
    return Document.objects.get(pk=document.pk)


def stored(document: Document) -> bytes:
    """What the document's file holds."""
    with again(document).file.open() as file:
        content: bytes = file.read()
    return content
