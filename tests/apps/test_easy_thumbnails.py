"""easy-thumbnails: thumbnails of a field's picture, by alias."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.template import Context, Template
from easy_thumbnails.exceptions import InvalidImageFormatError
from easy_thumbnails.files import get_thumbnailer

from tests.apps.models import Picture
from tests.apps.worlds import World, picture, read, size_of


def small(row: Picture) -> Any:
    return get_thumbnailer(row.image)["small"]


def test_a_thumbnail_of_productions_picture_is_made_shown_and_found_again(
    world: World, old: Picture
) -> None:
    made = small(old)
    assert size_of(read(world.storage, made.name)) == (40, 30)
    assert made.url == world.storage.url(made.name)
    assert world.disk.exists(made.name) is world.is_overlay
    again = small(Picture.objects.get())
    assert again.name == made.name
    assert read(world.storage, again.name) == read(world.storage, made.name)
    page = Template("{% load easy_thumbnails %}{{ row.image|thumbnail_url:'small' }}")
    assert made.name in page.render(Context({"row": Picture.objects.get()}))


def test_a_picture_can_be_read_again_after_its_thumbnails(world: World, old: Picture) -> None:
    assert old.image.width == 80
    small(old)
    with old.image.open() as file:
        assert file.read() == picture("red")
    get_thumbnailer(old.image).get_thumbnail({"size": (20, 20)})
    assert read(world.storage, old.image.name) == picture("red")


def test_a_replaced_picture_has_a_new_thumbnail(world: World, old: Picture) -> None:
    first = read(world.storage, small(old).name)
    old.image.save("old.jpg", ContentFile(picture("blue")))
    second = read(world.storage, small(Picture.objects.get()).name)
    assert first != second
    assert size_of(second) == (40, 30)


def test_deleted_thumbnails_are_gone_and_can_be_made_again(world: World, old: Picture) -> None:
    name = small(old).name
    get_thumbnailer(old.image).delete_thumbnails()
    assert not world.storage.exists(name)
    assert read(world.storage, small(old).name)


def test_known_thumbnails_show_while_production_is_down(world: World, old: Picture) -> None:
    name = small(old).name
    with world.production_down():
        again = small(Picture.objects.get())
        assert again.name == name
        assert name in again.url
        if world.is_overlay:
            assert size_of(read(world.storage, name)) == (40, 30)


def test_a_picture_uploaded_while_production_is_down_has_thumbnails(
    world: World, db: None
) -> None:
    row = Picture(title="new")
    with world.production_down():
        row.image.save("new.jpg", ContentFile(picture("blue")))
        thumbnailer = get_thumbnailer(row.image)
        if not world.is_overlay:  # A save that fails over has another name, which is not heard.
            thumbnailer.thumbnail_storage = world.disk
        made = thumbnailer["small"]
        assert size_of(read(thumbnailer.thumbnail_storage, made.name)) == (40, 30)
    assert size_of(read(thumbnailer.thumbnail_storage, made.name)) == (40, 30)


def test_a_thumbnail_that_an_outage_kept_from_being_made_is_made_afterwards(
    world: World, old: Picture
) -> None:
    """As over production alone: a file that does not open is a broken picture to it."""
    with world.production_down(), pytest.raises(InvalidImageFormatError):
        small(old)
    made = small(Picture.objects.get())
    assert size_of(read(world.storage, made.name)) == (40, 30)


def test_a_thumbnail_that_failed_over_lies_under_a_name_that_is_not_looked_for(
    world: World, db: None
) -> None:
    """easy-thumbnails ignores what ``save`` returns, and notes the name that it asked for."""
    row = Picture(title="new")
    with world.production_down():
        row.image.save("new.jpg", ContentFile(picture("blue")))
        made = small(row)
    assert world.storage.exists(made.name) is world.is_overlay
    _, files = world.disk.listdir("pictures")
    [stored] = [file for file in files if "40x30" in file and not file.startswith(".wh.")]
    assert (made.name == f"pictures/{stored}") is world.is_overlay
    again = small(Picture.objects.get())  # With production back it is still taken for known.
    assert again.name == made.name
    assert world.storage.exists(again.name) is world.is_overlay
    again = Picture.objects.get()
    get_thumbnailer(again.image).delete_thumbnails()
    assert size_of(read(world.storage, small(again).name)) == (40, 30)
