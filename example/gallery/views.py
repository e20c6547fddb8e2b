"""One page: every picture, the backend that serves it, and what can be done with it."""

from __future__ import annotations

from collections import Counter
from typing import cast

from django import forms
from django.contrib import messages
from django.core.files.storage import storages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from example.gallery.apps import config
from example.gallery.cards import card
from example.gallery.forms import ReplaceForm, UploadForm
from example.gallery.models import Photo, Post
from fallback_storage.storage import OverlayStorage


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """Show all pictures, newest first, and how many each backend serves."""
    cards = [card(photo) for photo in Photo.objects.all()]
    counts = sorted(Counter(card.badge for card in cards).items())
    context = {
        "cards": cards,
        "counts": counts,
        "posts": Post.objects.all(),
        "production": config().production,
    }
    return render(request, "gallery/gallery.html", context)


@require_safe
def post(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a post, whose text refers to files without asking the storage."""
    return render(request, "gallery/post.html", {"post": get_object_or_404(Post, pk=pk)})


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return refused(request, form)
    photo = form.save()
    messages.success(request, f"{photo} was added, as {photo.image.name}.")
    return redirect(address(photo))


@require_POST
def replace(request: HttpRequest, pk: int) -> HttpResponse:
    photo = get_object_or_404(Photo, pk=pk)
    form = ReplaceForm(request.POST, request.FILES)
    if not form.is_valid():
        return refused(request, form)
    photo.replace(form.cleaned_data["image"])
    messages.success(request, f"{photo} was replaced.")
    return redirect(address(photo))


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    photo = get_object_or_404(Photo, pk=pk)
    photo.delete()
    messages.success(request, f"{photo} was deleted.")
    return redirect("gallery")


@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Stop or start production, where it belongs to this site."""
    production = config().production
    action = request.POST.get("action")
    if production is None or action not in {"start", "stop"}:
        raise Http404
    if action == "start":
        production.start()
        reset_breakers()
    else:
        production.stop()
    return redirect("gallery")


def reset_breakers() -> None:
    """Who knows that production is back need not wait until a breaker finds out."""
    for backend in cast(OverlayStorage, storages["default"]).backends:
        if backend.breaker is not None:
            backend.breaker.reset()


def refused(request: HttpRequest, form: forms.BaseForm) -> HttpResponse:
    for field, errors in form.errors.items():
        messages.error(request, f"{field.capitalize()}: {' '.join(map(str, errors))}")
    return redirect("gallery")


def address(photo: Photo) -> str:
    return f"{reverse('gallery')}#photo-{photo.pk}"
