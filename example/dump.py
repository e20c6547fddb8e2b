"""What a dump of production's database brings: the rows, and not one file."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.core.management import call_command

from example.gallery.models import Photo, Post
from example.pictures import POST_PICTURES, Picture

LOST = "photos/lost.jpg"
EDITOR = "editor"  # and password, of a site for one developer's machine


def load(pictures: list[Picture]) -> int:
    """Make the database, a row per picture and one whose file is lost; return their number."""
    call_command("migrate", verbosity=0)
    get_user_model().objects.create_superuser(EDITOR, password=EDITOR)
    rows = [Photo(title=p.title, image=p.name) for p in pictures]
    Photo.objects.bulk_create([*rows, Photo(title="Lost picture", image=LOST)])
    Post.objects.create(title="A walk", body=_body(pictures[:POST_PICTURES]))
    return Photo.objects.count()


def _body(pictures: list[Picture]) -> str:
    """Write a text as an editor for rich text does: with addresses, not with files."""
    images = [
        f'<img src="/media/{p.name}" srcset="/media/{p.name} 960w" alt="{p.title}" width="480">'
        for p in pictures
    ]
    return "".join(f"<p>{image}</p>\n" for image in ["What we saw on the way:", *images])
