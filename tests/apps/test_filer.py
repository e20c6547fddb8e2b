"""django-filer: pictures in folders, each with thumbnails of four sizes in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from filer.models import Image

from tests.apps.worlds import World, picture, read, size_of

NAME = "filer_public/old.jpg"


@pytest.fixture
def image(world: World, db: None) -> Any:
    """A picture of production's."""
    world.production.put(NAME, picture("red", (400, 300)))
    return Image.objects.create(file=NAME, original_filename="old.jpg", _width=400, _height=300)


def test_productions_picture_has_icons_in_every_size(world: World, image: Any) -> None:
    icons = image.thumbnails
    assert icons
    assert all(f"{NAME.partition('/')[0]}_thumbnails" in url for url in icons.values())
    names = [url.partition("/media/")[2] for url in icons.values()] if world.is_overlay else []
    for name in names:
        assert max(size_of(read(world.disk, name))) <= 400
    assert Image.objects.get().thumbnails.keys() == icons.keys()


def test_a_picture_is_uploaded_replaced_and_deleted(world: World, db: None) -> None:
    image = Image.objects.create(
        file=ContentFile(picture("blue"), "new.jpg"), original_filename="new.jpg"
    )
    first = image.file.name
    assert read(world.storage, first) == picture("blue")
    assert (image.width, image.height) == (80, 60)
    assert image.url == world.storage.url(first)
    image.file = ContentFile(picture("red"), "new.jpg")
    image.save()
    assert read(world.storage, image.file.name) == picture("red")
    second = image.file.name
    image.delete()
    assert not world.storage.exists(second)


def test_a_deleted_picture_of_productions_is_gone(world: World, image: Any) -> None:
    assert image.thumbnails
    image.delete()
    assert not world.storage.exists(NAME)


def test_the_admin_shows_a_picture_and_its_canonical_url_leads_to_it(
    world: World, image: Any, client: Client
) -> None:
    client.force_login(User.objects.create_superuser("admin"))
    assert client.get(f"/admin/filer/image/{image.pk}/change/").status_code == 200
    answer = client.get(image.canonical_url)
    assert answer.status_code == 302
    assert NAME in answer["Location"]


def test_known_icons_show_while_production_is_down(
    world: World, image: Any, client: Client
) -> None:
    icons = {size: url.partition("?")[0] for size, url in image.thumbnails.items()}
    with world.production_down():
        again = {s: u.partition("?")[0] for s, u in Image.objects.get().thumbnails.items()}
    assert again.keys() == icons.keys()
    assert again == icons or not world.is_overlay


def test_a_picture_can_be_read_again_after_its_icons(world: World, image: Any) -> None:
    assert image.thumbnails
    for _ in range(2):
        with image.file.open() as file:
            assert file.read() == picture("red", (400, 300))


def test_a_picture_is_uploaded_while_production_is_down(world: World, db: None) -> None:
    with world.production_down():
        image = Image.objects.create(
            file=ContentFile(picture("blue"), "new.jpg"), original_filename="new.jpg"
        )
        assert read(world.storage, image.file.name) == picture("blue")
        assert image.sha1
    assert read(world.storage, Image.objects.get().file.name) == picture("blue")


def test_icons_that_an_outage_kept_from_being_made_are_made_afterwards(
    world: World, image: Any
) -> None:
    unread = Image.objects.get()
    with world.production_down():
        assert unread.thumbnails == {}  # filer leaves out what it cannot make.
    icons = Image.objects.get().thumbnails
    assert icons.keys() == image.DEFAULT_THUMBNAILS.keys()
    for url in icons.values():
        name = url.partition("?")[0].partition("filer_public_thumbnails/")[2]
        assert max(size_of(read(world.storage, f"filer_public_thumbnails/{name}"))) <= 400
