"""django-private-storage: files that only some may see, in an alias of their own."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client, override_settings
from django.utils.module_loading import import_string

from tests.apps.models import Contract
from tests.apps.worlds import UNAVAILABLE, World, read, streamed


def test_a_private_file_is_shown_to_those_who_may_see_it(
    world: World, client: Client, db: None
) -> None:
    world.production.put("contracts/old.txt", b"production's")
    row = Contract.objects.create(file="contracts/old.txt")
    assert client.get(f"/private/{row.file.name}").status_code == 403
    client.force_login(User.objects.create_user("staff", is_staff=True))
    answer = client.get(f"/private/{row.file.name}")
    assert answer.status_code == 200
    assert streamed(answer) == b"production's"
    assert client.get("/private/contracts/none.txt").status_code == 404


def test_a_private_upload_is_stored_read_and_deleted(world: World, db: None) -> None:
    row = Contract()
    row.file.save("new.txt", ContentFile(b"new"))
    assert read(world.storage, row.file.name) == b"new"
    with row.file.open() as file:
        assert file.read() == b"new"
    row.file.delete()
    assert not world.storage.exists("contracts/new.txt")


def test_a_private_upload_while_production_is_down(world: World, client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("staff", is_staff=True))
    row = Contract()
    with world.production_down():
        row.file.save("new.txt", ContentFile(b"new"))
        answer = client.get(f"/private/{row.file.name}")
        assert streamed(answer) == b"new"


@pytest.mark.parametrize("kind", ["OverlayStorage", "FallbackStorage"])
def test_a_class_built_without_arguments_has_the_backends_of_its_own_setting(
    world: World, kind: str
) -> None:
    with override_settings(FALLBACK_STORAGES=["disk", "production"]):
        storage = import_string(f"fallback_storage.storage.{kind}")()
        assert [backend.name for backend in storage.backends] == ["disk", "production"]


def test_a_replaced_private_file_is_shown_as_it_is_now(
    world: World, client: Client, db: None
) -> None:
    client.force_login(User.objects.create_user("staff", is_staff=True))
    world.production.put("contracts/old.txt", b"production's")
    row = Contract.objects.create(file="contracts/old.txt")
    row.file.save("old.txt", ContentFile(b"replaced"))
    assert row.file.name != "contracts/old.txt"
    assert streamed(client.get(f"/private/{row.file.name}")) == b"replaced"
    assert streamed(client.get("/private/contracts/old.txt")) == b"production's"


def test_a_private_file_of_productions_is_no_404_while_production_is_down(
    world: World, client: Client, db: None
) -> None:
    client.force_login(User.objects.create_user("staff", is_staff=True))
    world.production.put("contracts/old.txt", b"production's")
    with world.production_down(), pytest.raises(UNAVAILABLE):
        client.get("/private/contracts/old.txt")
    assert streamed(client.get("/private/contracts/old.txt")) == b"production's"
