"""sorl-thumbnail: thumbnails by a template tag or a call."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.template import Context, Template
from sorl.thumbnail import delete, get_thumbnail

from tests.apps.models import Picture
from tests.apps.worlds import UNAVAILABLE, World, picture, read, size_of


def small(row: Picture) -> Any:
    return get_thumbnail(row.image, "40x30", crop="center")


def test_a_thumbnail_of_productions_picture_is_made_shown_and_found_again(
    world: World, old: Picture
) -> None:
    made = small(old)
    assert size_of(made.read()) == (40, 30)
    assert made.url == world.storage.url(made.name)
    assert world.disk.exists(made.name) is world.is_overlay
    assert small(Picture.objects.get()).name == made.name
    page = Template(
        "{% load thumbnail %}"
        "{% thumbnail row.image '40x30' crop='center' as im %}{{ im.url }}{% endthumbnail %}"
    )
    assert made.name in page.render(Context({"row": Picture.objects.get()}))


def test_a_picture_can_be_read_again_after_its_thumbnails(world: World, old: Picture) -> None:
    assert old.image.width == 80
    small(old)
    with old.image.open() as file:
        assert file.read() == picture("red")


def test_a_deleted_thumbnail_is_gone_and_the_picture_is_not(world: World, old: Picture) -> None:
    name = small(old).name
    delete(old.image, delete_file=False)
    assert not world.storage.exists(name)
    assert read(world.storage, old.image.name) == picture("red")
    assert small(old).name == name


def test_a_deleted_picture_takes_its_thumbnails_with_it(world: World, old: Picture) -> None:
    name = small(old).name
    delete(old.image)
    assert not world.storage.exists(name)
    assert not world.storage.exists("pictures/old.jpg")


def test_known_thumbnails_show_while_production_is_down(world: World, old: Picture) -> None:
    made = small(old)
    with world.production_down():
        again = small(Picture.objects.get())
        assert again.name == made.name
        if world.is_overlay:
            assert again.url == made.url
            assert size_of(read(world.storage, again.name)) == (40, 30)


def test_a_picture_uploaded_while_production_is_down_has_thumbnails_afterwards(
    world: World, db: None
) -> None:
    """As over production alone: sorl asks it whether the thumbnail is there."""
    row = Picture(title="new")
    with world.production_down():
        row.image.save("new.jpg", ContentFile(picture("blue")))
        with pytest.raises(UNAVAILABLE):
            small(row)
    assert size_of(read(world.storage, small(row).name)) == (40, 30)


def test_a_replaced_picture_has_another_thumbnail(world: World, old: Picture) -> None:
    first = small(old)
    old.image.save("old.jpg", ContentFile(picture("blue")))
    second = small(Picture.objects.get())
    assert second.name != first.name
    assert read(world.storage, second.name) != read(world.storage, first.name)


def test_an_outage_is_no_broken_picture_and_the_thumbnail_is_made_afterwards(
    world: World, old: Picture
) -> None:
    with world.production_down(), pytest.raises(UNAVAILABLE):
        small(old)
    assert size_of(read(world.storage, small(Picture.objects.get()).name)) == (40, 30)
