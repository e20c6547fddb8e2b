"""What the applications do for one page, and how many requests that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import filer.models
import wagtail.images.models
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from easy_thumbnails.files import get_thumbnailer
from easy_thumbnails.models import Source
from sorl.thumbnail import get_thumbnail
from sorl.thumbnail.models import KVStore
from wagtail.models import Collection

from tests.apps.models import Picture
from tests.apps.worlds import World, picture

#: The storages that are compared: the name of a world, and the options of the combined storage.
STORAGES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "S3 alone": ("bare", {}),
    "overlay": ("overlay over S3", {}),
    "overlay, presence": ("overlay over S3", {"presence": {}}),
    "overlay, promote": ("overlay over S3", {"promote": True}),
    "overlay, both": ("overlay over S3", {"presence": {}, "promote": True}),
    "failover": ("failover from S3", {}),
    "failover, presence": ("failover from S3", {"presence": {}}),
}


def easy_thumbnails(_: Any) -> None:
    assert get_thumbnailer(Picture.objects.get().image)["small"].url


def sorl(_: Any) -> None:
    assert get_thumbnail(Picture.objects.get().image, "40x30", crop="center").url


def imagekit(_: Any) -> None:
    assert Picture.objects.get().card.url


def filer_sizes(_: Any) -> None:
    thumbnailer = filer.models.Image.objects.get().file
    for side in (16, 32, 48, 64):
        assert thumbnailer.get_thumbnail({"size": (side, side), "crop": True}).url


def wagtail_edit_page(client: Client) -> None:
    image = wagtail.images.models.Image.objects.get()
    assert client.get(f"/cms/images/{image.pk}/").status_code == 200


#: What is asked for, by the application that makes it.
PAGES: Mapping[str, Callable[[Client], None]] = {
    "easy-thumbnails: a thumbnail": easy_thumbnails,
    "sorl-thumbnail: a thumbnail": sorl,
    "django-imagekit: a thumbnail": imagekit,
    "django-filer: four sizes": filer_sizes,
    "Wagtail: the edit page of a picture": wagtail_edit_page,
}


#: How many thumbnails a page shows, where that is not one.
SHOWN: Mapping[str, int] = {
    "django-filer: four sizes": 4,
    "Wagtail: the edit page of a picture": 2,
}


@dataclass(frozen=True)
class Count:
    """The requests of a page whose thumbnails are new, and when they are known."""

    new: int
    known: int


def counts(make_world: Callable[..., Any], storage: str) -> Iterator[tuple[str, Count]]:
    """Give the requests of each page over one storage."""
    name, options = STORAGES[storage]
    with make_world(name, **options) as world:
        for number, (page, show) in enumerate(PAGES.items()):
            client = _filled(world, f"pictures/{number}.jpg")
            new, known = world.requests(*[partial(show, client)] * 2)
            yield page, Count(new, known)


#: What the pages before have left in the tables; the caches of thumbnails are such.
LEFT = (Picture, filer.models.Image, wagtail.images.models.Image, User, Source, KVStore)


def _filled(world: World, name: str) -> Client:
    """Put a picture into production and the tables; return who looks at it."""
    for model in LEFT:
        model.objects.all().delete()
    cache.clear()
    collection = Collection.get_first_root_node() or Collection.add_root(name="Root")
    content = picture("red", (400, 300))
    world.production.put(name, content)
    Picture.objects.create(image=name)
    sizes = {"_width": 400, "_height": 300}
    filer.models.Image.objects.create(file=name, original_filename="o.jpg", **sizes)
    wagtail.images.models.Image.objects.create(
        title="old",
        file=name,
        width=400,
        height=300,
        file_size=len(content),
        collection=collection,
    )
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    return client
