"""django-imagekit: a spec field, made when it is first asked for."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile

from tests.apps.models import Picture
from tests.apps.worlds import UNAVAILABLE, World, picture, read, size_of


def test_a_card_of_productions_picture_is_made_shown_and_found_again(
    world: World, old: Picture
) -> None:
    url = old.card.url
    assert url == world.storage.url(old.card.name)
    assert size_of(read(world.storage, old.card.name)) == (40, 30)
    assert world.disk.exists(old.card.name) is world.is_overlay
    again = Picture.objects.get()
    assert again.card.name == old.card.name
    assert (again.card.width, again.card.height) == (40, 30)


def test_a_picture_can_be_measured_before_and_read_after_its_card(
    world: World, old: Picture
) -> None:
    assert old.image.width == 80
    assert old.card.url
    with old.image.open() as file:
        assert file.read() == picture("red")


def test_a_replaced_picture_has_another_card(world: World, old: Picture) -> None:
    first = old.card.name
    assert old.card.url
    old.image.save("old.jpg", ContentFile(picture("blue")))
    again = Picture.objects.get()
    assert again.card.url
    assert again.card.name != first
    assert size_of(read(world.storage, again.card.name)) == (40, 30)


def test_known_cards_show_while_production_is_down(world: World, old: Picture) -> None:
    url = old.card.url
    with world.production_down():
        again = Picture.objects.get()
        shown = again.card.url
        assert again.card.name in shown
        if world.is_overlay:
            assert shown == url
            assert size_of(read(world.storage, again.card.name)) == (40, 30)


def test_a_picture_uploaded_while_production_is_down_has_a_card_afterwards(
    world: World, db: None
) -> None:
    """The name of a card is imagekit's; whether it is free, production has to say."""
    row = Picture(title="new")
    with world.production_down():
        row.image.save("new.jpg", ContentFile(picture("blue")))
        with pytest.raises(UNAVAILABLE):
            read(world.storage, row.card.name)
    assert row.card.url
    assert size_of(read(world.storage, row.card.name)) == (40, 30)


def test_a_deleted_picture_is_gone_and_a_deleted_card_is_made_again(
    world: World, old: Picture
) -> None:
    assert old.card.url
    name = old.card.name
    world.storage.delete(name)
    assert not world.storage.exists(name)
    again = Picture.objects.get()
    again.card.generate(force=True)
    assert size_of(read(world.storage, name)) == (40, 30)
    again.image.delete()
    assert not world.storage.exists("pictures/old.jpg")


def test_an_outage_is_no_broken_picture_and_the_card_is_made_afterwards(
    world: World, old: Picture
) -> None:
    with world.production_down(), pytest.raises(UNAVAILABLE):
        old.card.url  # noqa: B018 - that makes it.
    again = Picture.objects.get()
    assert again.card.url
    assert size_of(read(world.storage, again.card.name)) == (40, 30)
