"""Wagtail: pictures with renditions, and documents, in its own admin."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.images import ImageFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from wagtail.documents.models import Document
from wagtail.images.models import Image, SourceImageIOError
from wagtail.models import Collection

from tests.apps.worlds import UNAVAILABLE, World, picture, read, size_of, streamed


@pytest.fixture
def collection(db: None) -> Collection:
    """The one that every file of Wagtail's is in."""
    collection: Collection = Collection.add_root(name="Root")
    return collection


@pytest.fixture
def image(world: World, collection: Collection) -> Any:
    """A picture of production's."""
    content = picture("red", (400, 300))
    world.production.put("original_images/old.jpg", content)
    return Image.objects.create(
        title="old",
        file="original_images/old.jpg",
        width=400,
        height=300,
        file_size=len(content),
        collection=collection,
    )


@pytest.fixture
def document(world: World, collection: Collection) -> Any:
    """A document of production's."""
    world.production.put("documents/old.txt", b"production's")
    return Document.objects.create(
        title="old", file="documents/old.txt", file_size=12, collection=collection
    )


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("admin"))
    return client


def test_a_rendition_of_productions_picture_is_made_and_found_again(
    world: World, image: Any
) -> None:
    made = image.get_rendition("fill-40x30")
    assert size_of(read(world.storage, made.file.name)) == (40, 30)
    assert world.disk.exists(made.file.name) is world.is_overlay
    again = Image.objects.get().get_rendition("fill-40x30")
    assert again.file.name == made.file.name
    assert Image.objects.get().get_file_hash()


def test_a_picture_is_edited_replaced_and_deleted_in_the_admin(
    world: World, image: Any, admin: Client, committed: Callable[[], Any]
) -> None:
    page = f"/cms/images/{image.pk}/"
    shown = admin.get(page)
    assert shown.status_code == 200
    filled = {name: value or "" for name, value in shown.context["form"].initial.items()}
    file = SimpleUploadedFile("old.jpg", picture("blue", (200, 100)), "image/jpeg")
    with committed():
        answer = admin.post(page, filled | {"tags": "", "file": file})
    assert answer.status_code == 302, answer.content
    new = Image.objects.get()
    assert new.file.name != "original_images/old.jpg"
    assert (new.width, new.height) == (200, 100)
    assert read(world.storage, new.file.name) == picture("blue", (200, 100))
    assert not world.storage.exists("original_images/old.jpg")
    with committed():
        assert admin.post(f"{page}delete/").status_code == 302
    assert not Image.objects.exists()
    assert not world.storage.exists(new.file.name)


def test_a_document_is_served(world: World, document: Any, client: Client) -> None:
    answer = client.get(document.url)
    if answer.status_code == 302:
        assert "documents/old.txt" in answer["Location"]
    else:
        assert streamed(answer) == b"production's"


def test_a_document_is_redirected_to_while_production_is_down(
    world: World, document: Any, client: Client
) -> None:
    """As over a bare storage without paths: whether the file is there, its server says."""
    with world.production_down():
        answer = client.get(document.url)
    assert answer.status_code == 302
    assert "documents/old.txt" in answer["Location"]


def test_a_document_is_uploaded_and_reopened(world: World, collection: Collection) -> None:
    document = Document(title="new", collection=collection)
    document.file.save("new.txt", ContentFile(b"new"))
    assert document.get_file_size() == 3
    assert document.get_file_hash()
    with document.open_file() as file:
        assert file.read() == b"new"


def test_the_edit_page_of_a_picture_shows_while_production_is_down(
    world: World, image: Any, admin: Client
) -> None:
    """As over a bare storage without paths: the file counts as missing, the page shows."""
    assert admin.get(f"/cms/images/{image.pk}/").status_code == 200
    with world.production_down():
        answer = admin.get(f"/cms/images/{image.pk}/")
    assert answer.status_code == 200


def test_a_known_rendition_shows_while_production_is_down(world: World, image: Any) -> None:
    made = image.get_rendition("fill-40x30")
    with world.production_down():
        again = Image.objects.get().get_rendition("fill-40x30")
        assert again.url.partition("?")[0] == made.url.partition("?")[0]
        if world.is_overlay:
            assert size_of(read(world.storage, again.file.name)) == (40, 30)


def test_a_picture_is_uploaded_while_production_is_down(
    world: World, collection: Collection
) -> None:
    with world.production_down():
        new = ImageFile(io.BytesIO(picture("blue")), "new.jpg")
        image = Image.objects.create(title="new", file=new, collection=collection)
        made = image.get_rendition("fill-40x30")
        assert size_of(read(world.storage, made.file.name)) == (40, 30)
    assert size_of(read(world.storage, made.file.name)) == (40, 30)


def test_an_outage_is_no_broken_picture_and_the_rendition_is_made_afterwards(
    world: World, image: Any
) -> None:
    # botocore's own error, which a FallbackStorage hands on, is no OSError that Wagtail catches.
    raised = SourceImageIOError if world.is_overlay else UNAVAILABLE
    with world.production_down(), pytest.raises(raised):
        image.get_rendition("fill-40x30")
    made = Image.objects.get().get_rendition("fill-40x30")
    assert size_of(read(world.storage, made.file.name)) == (40, 30)
