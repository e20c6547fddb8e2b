"""The settings printed in the original package's README run as they stand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from django.test import override_settings

from example.seaweedfs import SeaweedFS
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing.promises.material import put, read

from .original_methods import ANSWERS, use_each
from .override import override_storages

FALLBACK = "fallback_storage.storage.FallbackStorage"
FILES = "django.core.files.storage.FileSystemStorage"
ROOT = Path(__file__).resolve().parents[2]

#: How a Django says which storage is the default one.
FORMS = {"STORAGES": f'STORAGES = {{"default": {{"BACKEND": "{FALLBACK}"}}}}'}
if django.VERSION < (5, 1):
    FORMS["DEFAULT_FILE_STORAGE"] = f'DEFAULT_FILE_STORAGE = "{FALLBACK}"'

#: The two paths of long ago, which no django-storages of today has under `boto`'s name.
MOVED = [
    "storages.backends.s3boto.S3BotoStorage",
    "storages.backends.s3boto3.S3Boto3Storage",
]

# Filled in: the form, the second backend, the folder for media, and the S3 server.
SETTINGS = """
{form}
FALLBACK_STORAGES = (
    "django.core.files.storage.FileSystemStorage",
    "{second}",
)
SECRET_KEY = "original"
MEDIA_ROOT = {media!r}
MEDIA_URL = "/media/"
{s3}
"""

PROGRAM = """
import json, sys, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import django
    django.setup()
    from django.core.files.storage import default_storage
    from tests.django.original_methods import use_each
    answers = use_each(default_storage)
    with default_storage.open("only-in-s3.txt") as file:
        answers["only-in-s3"] = file.read().decode()
said = [str(warning.message) for warning in caught]
print(json.dumps({"django": django.VERSION[:2], "answers": answers, "warnings": said}))
"""


@pytest.fixture(scope="module")
def seaweedfs() -> Iterator[SeaweedFS]:
    with SeaweedFS() as server:
        server.client.create_bucket(Bucket="media")
        server.client.put_object(Bucket="media", Key="only-in-s3.txt", Body=b"of S3")
        yield server


def s3_settings(server: SeaweedFS) -> str:
    options = server.storage_options("media")
    settings = {
        "AWS_S3_ENDPOINT_URL": options["endpoint_url"],
        "AWS_S3_ACCESS_KEY_ID": options["access_key"],
        "AWS_S3_SECRET_ACCESS_KEY": options["secret_key"],
        "AWS_STORAGE_BUCKET_NAME": "media",
        "AWS_S3_REGION_NAME": options["region_name"],
        "AWS_S3_ADDRESSING_STYLE": options["addressing_style"],
        "AWS_S3_SIGNATURE_VERSION": options["signature_version"],
    }
    return "\n".join(f"{setting} = {value!r}" for setting, value in settings.items())


def run_site(folder: Path, settings: str) -> dict[str, Any]:
    """Run `PROGRAM` in a Python of its own, with ``settings`` as its settings module."""
    (folder / "site_settings.py").write_text(settings)
    paths = [str(folder), str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=os.environ
        | {"DJANGO_SETTINGS_MODULE": "site_settings", "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("second", MOVED)
@pytest.mark.parametrize("form", FORMS)
def test_a_site_with_the_originals_settings_runs(
    form: str, second: str, seaweedfs: SeaweedFS, tmp_path: Path
) -> None:
    media = str(tmp_path / "media")
    settings = SETTINGS.format(
        form=FORMS[form], second=second, media=media, s3=s3_settings(seaweedfs)
    )
    site = run_site(tmp_path, settings)
    assert site["django"] == list(django.VERSION[:2])
    assert site["answers"] == ANSWERS | {"only-in-s3": "of S3"}
    moved = [warning for warning in site["warnings"] if second in warning]
    assert moved == [f"{second} is now storages.backends.s3.S3Storage."]


# The same without S3: in this process, and with nothing to wait for.


@pytest.fixture
def entries(tmp_path: Path) -> tuple[dict[str, Any], ...]:
    """Two disks, for the setting."""
    return tuple(
        {"BACKEND": FILES, "OPTIONS": {"location": str(tmp_path / place), "base_url": "/media/"}}
        for place in ("first", "second")
    )


def test_the_setting_serves_the_default_storage(entries: Any) -> None:
    with override_storages({"default": {"BACKEND": FALLBACK}}, FALLBACK_STORAGES=entries):
        assert use_each(storages["default"]) == ANSWERS


def test_a_storage_made_by_hand_has_every_method(tmp_path: Path) -> None:
    first, second = (
        FileSystemStorage(location=str(tmp_path / place), base_url="/media/")
        for place in ("first", "second")
    )
    assert use_each(FallbackStorage(backends=(first, second))) == ANSWERS


@override_settings(MEDIA_URL="/media/")
def test_a_storage_made_by_hand_from_dotted_paths_has_every_method(tmp_path: Path) -> None:
    with override_settings(MEDIA_ROOT=str(tmp_path)):
        assert use_each(FallbackStorage(backends=(FILES,))) == ANSWERS


def test_what_only_the_second_has_is_served_by_every_method(tmp_path: Path) -> None:
    first, second = (
        FileSystemStorage(location=str(tmp_path / place), base_url=f"/{place}/")
        for place in ("first", "second")
    )
    storage = FallbackStorage(backends=(first, second))
    put(second, "notes/a.txt", b"original")
    assert read(storage, "notes/a.txt") == b"original"
    assert storage.exists("notes/a.txt")
    assert storage.listdir("notes") == ([], ["a.txt"])
    assert storage.size("notes/a.txt") == 8
    assert storage.url("notes/a.txt") == "/second/notes/a.txt"
    assert storage.path("notes/a.txt") == second.path("notes/a.txt")
    assert storage.get_available_name("notes/a.txt") != "notes/a.txt"
    for time in ("accessed_time", "created_time", "modified_time"):
        naive = getattr(storage, time)("notes/a.txt")
        aware = getattr(second, f"get_{time}")("notes/a.txt")
        assert naive.astimezone() == aware


def test_what_is_saved_goes_to_the_first(tmp_path: Path) -> None:
    first, second = (FileSystemStorage(location=str(tmp_path / place)) for place in ("1", "2"))
    FallbackStorage(backends=(first, second))._save("a.txt", ContentFile(b""))
    assert (first.exists("a.txt"), second.exists("a.txt")) == (True, False)


@pytest.mark.parametrize("path", MOVED)
def test_a_path_of_long_ago_warns_and_is_todays_storage(path: str) -> None:
    options = {"bucket_name": "media", "access_key": "a", "secret_key": "b"}
    storage = FallbackStorage([{"BACKEND": path, "OPTIONS": options}])
    with pytest.warns(UserWarning, match=r"is now storages\.backends\.s3\.S3Storage"):
        (backend,) = storage.backends
    kind = type(backend.storage)
    assert f"{kind.__module__}.{kind.__qualname__}" == "storages.backends.s3.S3Storage"
    assert backend.name == path.rpartition(".")[2]
