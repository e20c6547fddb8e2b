"""What a dump of production's database brings: the rows, and not one file."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.core.management import call_command

from example.gallery.models import Photo
from example.pictures import Picture

LOST = "photos/lost.jpg"
EDITOR = "editor"  # and password, of a site for one developer's machine


def load(pictures: list[Picture]) -> int:
    """Make the database, a row per picture and one whose file is lost; return their number."""
    call_command("migrate", verbosity=0)
    get_user_model().objects.create_superuser(EDITOR, password=EDITOR)
    rows = [Photo(title=p.title, image=p.name) for p in pictures]
    Photo.objects.bulk_create([*rows, Photo(title="Lost picture", image=LOST)])
    return Photo.objects.count()
