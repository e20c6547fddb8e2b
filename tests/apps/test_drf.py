"""Django REST framework: uploads and URLs through an API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tests.apps.models import Picture
from tests.apps.worlds import World, picture, read


def upload(name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, picture("blue"), "image/jpeg")


def test_pictures_are_uploaded_listed_replaced_and_deleted(
    world: World, old: Picture, client: Client, committed: Callable[[], Any]
) -> None:
    assert client.post("/api/pictures/", {"image": upload("new.jpg")}).status_code == 201
    new = Picture.objects.exclude(pk=old.pk).get()
    assert read(world.storage, new.image.name) == picture("blue")

    urls = [each["image"].partition("?")[0] for each in client.get("/api/pictures/").json()]
    assert [url.partition("pictures/")[2] for url in urls] == ["old.jpg", "new.jpg"]

    body = encode_multipart(BOUNDARY, {"image": upload("old.jpg")})
    with committed():
        answer = client.put(f"/api/pictures/{old.pk}/", body, MULTIPART_CONTENT)
    assert answer.status_code == 200, answer.content
    old.refresh_from_db()
    assert read(world.storage, old.image.name) == picture("blue")

    with committed():
        assert client.delete(f"/api/pictures/{new.pk}/").status_code == 204
    assert not world.storage.exists(str(new.image.name))


def test_an_upload_works_while_production_is_down(world: World, client: Client) -> None:
    with world.production_down():
        assert client.post("/api/pictures/", {"image": upload("new.jpg")}).status_code == 201
        new = Picture.objects.get()
        assert read(world.storage, new.image.name) == picture("blue")
    assert read(world.storage, new.image.name) == picture("blue")


def test_known_pictures_are_listed_while_production_is_down(
    world: World, old: Picture, client: Client
) -> None:
    with world.production_down():
        [listed] = client.get("/api/pictures/").json()
    assert "pictures/old.jpg" in listed["image"]
