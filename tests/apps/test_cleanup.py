"""django-cleanup: a file goes with its row, and when it is replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile

from tests.apps.models import Picture
from tests.apps.worlds import World, picture, read

Committed = Callable[[], Any]


def test_a_deleted_rows_file_is_gone_and_productions_stays(
    world: World, old: Picture, committed: Committed
) -> None:
    with committed():
        old.delete()
    assert not world.storage.exists("pictures/old.jpg")
    assert ("pictures/old.jpg" in world.production.files()) is world.is_overlay


def test_a_replaced_file_is_gone_and_the_new_one_is_there(
    world: World, old: Picture, committed: Committed
) -> None:
    with committed():
        old.image = ContentFile(picture("blue"), "old.jpg")
        old.save()
    old.refresh_from_db()
    assert old.image.name != "pictures/old.jpg"
    assert read(world.storage, old.image.name) == picture("blue")
    assert not world.storage.exists("pictures/old.jpg")


def test_a_file_uploaded_here_is_gone_with_its_row(
    world: World, db: None, committed: Committed
) -> None:
    row = Picture()
    row.image.save("new.jpg", ContentFile(picture()))
    with committed():
        row.delete()
    assert not world.storage.exists("pictures/new.jpg")
    assert world.storage.save("pictures/new.jpg", ContentFile(b"again")) == "pictures/new.jpg"


def test_a_row_can_be_deleted_while_production_is_down(
    world: World, old: Picture, committed: Committed, caplog: pytest.LogCaptureFixture
) -> None:
    with world.production_down(), committed():
        old.delete()
    assert not Picture.objects.exists()
    # An overlay hides the file; a file whose only backend is down stays, and the log says so.
    assert world.storage.exists("pictures/old.jpg") is not world.is_overlay
    assert any("cleanup" in record.name for record in caplog.records) is not world.is_overlay
