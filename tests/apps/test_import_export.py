"""django-import-export: an upload kept in the storage between two pages of the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from import_export.resources import modelresource_factory
from import_export.tmp_storages import MediaStorage

from tests.apps.models import Picture
from tests.apps.worlds import UNAVAILABLE, World

CSV = b"id,title,image\n,new,pictures/old.jpg\n"


def test_an_import_is_kept_read_and_removed(world: World) -> None:
    first = MediaStorage()
    first.save(CSV)
    second = MediaStorage(name=first.name)
    assert second.read() == CSV
    assert world.disk.exists(second.get_full_path()) is world.is_overlay
    second.remove()
    assert not world.storage.exists(second.get_full_path())


def test_rows_name_productions_files(world: World, old: Picture) -> None:
    resource = modelresource_factory(Picture)()
    exported = resource.export()
    assert "pictures/old.jpg" in exported.csv
    assert not resource.import_data(exported).has_errors()
    assert Picture.objects.get().image.read()


def test_an_import_during_an_outage_fails_and_the_next_one_does_not(world: World) -> None:
    """The name is import-export's own; whether it is free, production has to say."""
    first = MediaStorage()
    with world.production_down():
        first.save(CSV)
        with pytest.raises(UNAVAILABLE):
            MediaStorage(name=first.name).read()
    first.save(CSV)
    assert MediaStorage(name=first.name).read() == CSV


def test_rows_are_imported_on_two_pages_of_the_admin(world: World, client: Client) -> None:
    client.force_login(User.objects.create_superuser("admin"))
    world.production.put("pictures/old.jpg", b"production's")
    upload = SimpleUploadedFile("rows.csv", CSV, "text/csv")
    page = client.post("/admin/apps/picture/import/", {"import_file": upload, "format": "0"})
    confirmation = page.context["confirm_form"].initial
    kept = f"django-import-export/{confirmation['import_file_name']}"
    assert world.storage.exists(kept)
    answer = client.post("/admin/apps/picture/process_import/", confirmation)
    assert answer.status_code == 302, answer.content
    with Picture.objects.get().image.open() as file:
        assert file.read() == b"production's"
    assert not world.storage.exists(kept)
