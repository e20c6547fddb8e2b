"""One page: every picture, and the backend that serves it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from example.gallery.models import Photo
from fallback_storage.storage import FallbackStorage


@dataclass(frozen=True)
class Card:
    """A picture on the page. Without an address there is a problem to read instead."""

    title: str
    file: str
    badge: str
    url: str = ""
    problem: str = ""


def gallery(request: HttpRequest) -> HttpResponse:
    """Show all pictures, newest first, and how many each backend serves."""
    cards = [card(photo) for photo in Photo.objects.all()]
    counts = sorted(Counter(card.badge for card in cards).items())
    return render(request, "gallery/gallery.html", {"cards": cards, "counts": counts})


def card(photo: Photo) -> Card:
    """Ask where the file is. One that cannot be shown does not take the page down."""
    title, name = photo.title, str(photo.image.name)
    try:
        backend = cast(FallbackStorage, photo.image.storage).locate(name)
        if backend is None:
            return Card(title, name, "missing", problem="No backend has this file.")
        return Card(title, name, backend, url=photo.image.url)
    except Exception as error:  # whatever the backend's own library raises
        return Card(title, name, "unavailable", problem=explained(error))


def explained(error: Exception) -> str:
    """The type of the error and this package's notes, never the backend's own words."""
    return " ".join([f"{type(error).__name__}.", *getattr(error, "__notes__", ())])
