"""What is sent to the gallery."""

from __future__ import annotations

from typing import ClassVar

from django import forms

from example.gallery.models import Photo


class UploadForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for type checkers only
    class Meta:
        model = Photo
        fields: ClassVar[list[str]] = ["title", "image"]


class ReplaceForm(forms.Form):
    image = forms.ImageField()
