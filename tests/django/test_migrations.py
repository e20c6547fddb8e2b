"""makemigrations, with every way to give a field its storage."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InMemoryStorage
from django.db import models
from django.db.migrations.serializer import serializer_factory
from django.db.migrations.writer import MigrationWriter

from fallback_storage.storage import FallbackStorage

from .storages import AccountStorage

MEMORY = "django.core.files.storage.InMemoryStorage"

SETTINGS = """
import os
SECRET_KEY = "migrations"
INSTALLED_APPS = ["fallback_storage", *APPS]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
FALLBACK_STORAGES = ("uploads", "production")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "uploads": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "production": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {"bucket_name": "media", "access_key": "hush", "secret_key": "hush-hush"},
    },
}
"""

MODELS = """
from pathlib import Path
from django.core.files.storage import FileSystemStorage, InMemoryStorage, storages
from django.db import models
from fallback_storage.storage import FallbackStorage

def chosen():
    return FallbackStorage(["uploads", "production"])

class Letter(models.Model):
    file = models.FileField(storage={storage})
"""

#: Each way, by the app that goes it, and a word that its migration must hold.
WAYS = {
    "aliases": ('FallbackStorage(["uploads", "production"])', "production"),
    "an_option": ('FallbackStorage(["uploads", "production"], on_fault="skip")', "skip"),
    "the_setting": ("FallbackStorage()", "FallbackStorage"),
    "a_read_only_entry": (
        'FallbackStorage(["uploads", {"BACKEND": "production", "READ_ONLY": True}])',
        "READ_ONLY",
    ),
    "an_instance": (
        'FallbackStorage([FileSystemStorage(location=Path("/media")), "production"])',
        "FileSystemStorage",
    ),
    "an_instance_by_position": (
        'FallbackStorage([FileSystemStorage("/media"), "production"])',
        "location",
    ),
    "a_nested_storage": (
        'FallbackStorage(["uploads", FallbackStorage(backends=[InMemoryStorage()])])',
        "InMemoryStorage",
    ),
    "a_callable": ("chosen", "a_callable.models.chosen"),
}


class Project:
    """A project in a folder, an app for each storage; its commands run as a user runs them."""

    def __init__(self, folder: Path, storages: Mapping[str, str]) -> None:
        self._folder = folder
        for app, storage in storages.items():
            migrations = folder / app / "migrations"
            migrations.mkdir(parents=True)
            (migrations / "__init__.py").touch()
            (folder / app / "__init__.py").touch()
            (folder / app / "models.py").write_text(MODELS.format(storage=storage))
        (folder / "project_settings.py").write_text(f"APPS = {[*storages]}\n{SETTINGS}")

    def migrations(self) -> dict[str, str]:
        """The text of each app's first migration."""
        written = self._folder.glob("*/migrations/0001_initial.py")
        return {path.parts[-3]: path.read_text() for path in written}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        environment = {
            "DJANGO_SETTINGS_MODULE": "project_settings",
            "DATABASE": str(self._folder / "db.sqlite3"),
            "PYTHONPATH": os.pathsep.join([str(self._folder), *map(os.path.abspath, paths)]),
        }
        return subprocess.run(
            [sys.executable, "-m", "django", *command],
            cwd=self._folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
        )


@pytest.mark.slow
def test_a_migration_is_made_once_and_applied_whichever_way(tmp_path: Path) -> None:
    project = Project(tmp_path, {app: storage for app, (storage, _) in WAYS.items()})
    made = project.run("makemigrations")
    assert made.returncode == 0, made.stderr
    migrations = project.migrations()
    assert sorted(migrations) == sorted(WAYS)
    assert [app for app, (_, word) in WAYS.items() if word not in migrations[app]] == []
    assert [app for app in WAYS if "hush" in migrations[app]] == []

    check = project.run("makemigrations", "--check", "--dry-run")
    assert check.returncode == 0, check.stdout + check.stderr
    applied = project.run("migrate")
    assert applied.returncode == 0, applied.stderr
    assert [app for app in WAYS if f"{app}.0001_initial... OK" not in applied.stdout] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("storages.backends.s3.S3Storage", {"secret_key": "hush-hush"}),
        ("storages.backends.ftp.FTPStorage", {"location": "ftp://user:hush-hush@localhost/"}),
    ],
    ids=["a key", "a URL"],
)
def test_a_secret_makes_no_migration_and_is_told_nowhere(
    backend: str, options: dict[str, str], tmp_path: Path
) -> None:
    entry = {"BACKEND": backend, "OPTIONS": options}
    project = Project(tmp_path, {"letters": f"FallbackStorage([{entry!r}])"})
    made = project.run("makemigrations", "letters")
    assert made.returncode != 0
    assert "name its alias instead" in made.stderr
    assert "hush-hush" not in made.stdout + made.stderr
    assert project.migrations() == {}


# The same, without a project.


def written(field: models.FileField) -> Any:
    """The field as a migration that holds it builds it."""
    text, imports = MigrationWriter.serialize(field)
    names: dict[str, Any] = {}
    exec("\n".join(imports), names)  # noqa: S102 - as Python does with a migration
    return eval(text, names)  # noqa: S307


def test_a_field_comes_back_from_its_migration() -> None:
    storage = FallbackStorage([InMemoryStorage(base_url="/one/"), MEMORY], on_fault="skip")
    field = written(models.FileField(storage=storage))
    assert isinstance(field.storage, FallbackStorage)
    assert (
        field.storage.deconstruct()
        == FallbackStorage(
            [{"BACKEND": MEMORY, "OPTIONS": {"base_url": "/one/"}}, MEMORY], on_fault="skip"
        ).deconstruct()
    )


def test_a_field_that_is_written_twice_has_not_changed() -> None:
    field = models.FileField(storage=FallbackStorage([InMemoryStorage(base_url="/one/"), MEMORY]))
    assert written(field).deconstruct()[1:] != field.deconstruct()[1:]  # Another instance, ...
    assert MigrationWriter.serialize(written(field)) == MigrationWriter.serialize(field)


def test_a_secret_in_an_instance_stops_the_migration() -> None:
    storage = FallbackStorage([AccountStorage("pictures", "hush-hush")])
    with pytest.raises(ImproperlyConfigured, match="alias") as caught:
        serializer_factory(models.FileField(storage=storage)).serialize()
    assert "hush-hush" not in str(caught.value)
