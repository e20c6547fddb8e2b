"""Static files: collectstatic, and hashed names, over a combined storage."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage, storages
from django.core.management import call_command
from django.test import modify_settings, override_settings

from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage, RemoteFaultyStorage
from fallback_storage.testing.promises.material import put, read

from .override import override_storages

SOURCES = {
    "css/site.css": 'body { background: url("../img/bg.png"); }\n',
    "img/bg.png": "a picture",
    "js/site.js": "run();\n",
}


# Django's own mixin takes `force` where a storage takes keywords.
class ManifestFallbackStorage(ManifestFilesMixin, FallbackStorage):  # type: ignore[misc]
    """Hashed names over several storages."""


@pytest.fixture(autouse=True)
def sources(tmp_path: Path) -> Iterator[Path]:
    """A folder of static files, changed an hour ago."""
    folder = tmp_path / "sources"
    for name, content in SOURCES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        hour_ago = file.stat().st_mtime - 3600
        os.utime(file, (hour_ago, hour_ago))
    finders = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    with (
        modify_settings(INSTALLED_APPS={"append": "django.contrib.staticfiles"}),
        override_settings(STATICFILES_DIRS=[folder], STATICFILES_FINDERS=finders),
    ):
        yield folder


@pytest.fixture
def disk(tmp_path: Path) -> FileSystemStorage:
    return FileSystemStorage(location=tmp_path / "static", base_url="/static/")


@pytest.fixture
def remote() -> RemoteFaultyStorage:
    return RemoteFaultyStorage(InMemoryStorage(base_url="/remote/"))


@pytest.fixture(params=["disk first", "remote first", "memory first"])
def pair(
    request: pytest.FixtureRequest, disk: Storage, remote: Storage
) -> tuple[Storage, Storage]:
    memory = InMemoryStorage(base_url="/memory/")
    return {
        "disk first": (disk, remote),
        "remote first": (remote, disk),
        "memory first": (memory, disk),
    }[request.param]


def collect(storage: Storage) -> None:
    """Run collectstatic with this storage as `staticfiles`."""
    entry = {"BACKEND": f"{__name__}.the_storage", "OPTIONS": {"storage": storage}}
    with override_storages({"staticfiles": entry}):
        call_command("collectstatic", interactive=False, verbosity=0)


def the_storage(storage: Storage) -> Storage:
    return storage


def files_in(storage: Any, directory: str = "") -> set[str]:
    """The names of all files, however deep."""
    directories, files = storage.listdir(directory)
    found = {os.path.join(directory, file) for file in files}
    for inner in directories:
        found |= files_in(storage, os.path.join(directory, inner))
    return found


# collectstatic.


def test_the_files_are_collected_into_the_first_backend(pair: tuple[Storage, Storage]) -> None:
    first, second = pair
    collect(FallbackStorage(pair))
    assert files_in(first) == {*SOURCES}
    assert not any(second.exists(name) for name in SOURCES)
    assert {name: read(first, name).decode() for name in SOURCES} == SOURCES


def test_a_storage_with_a_remote_backend_has_no_root_on_this_disk(
    disk: FileSystemStorage, remote: RemoteFaultyStorage
) -> None:
    for pair in ([disk, remote], [remote, disk]):
        with pytest.raises(NotImplementedError):
            FallbackStorage(pair).path("")


def test_a_storage_of_disks_has_the_first_ones_root(
    disk: FileSystemStorage, tmp_path: Path
) -> None:
    storage = FallbackStorage([disk, FileSystemStorage(tmp_path / "other")])
    assert storage.path("") == disk.path("")


def test_what_another_backend_has_is_not_collected(
    disk: FileSystemStorage, remote: RemoteFaultyStorage
) -> None:
    put(remote, "js/site.js")
    remote.forget()
    collect(FallbackStorage([disk, {"BACKEND": remote, "READ_ONLY": True}]))
    assert files_in(disk) == {*SOURCES} - {"js/site.js"}
    assert remote.mutations == []


def test_with_the_writable_backend_as_staticfiles_all_is_collected(
    disk: FileSystemStorage, remote: RemoteFaultyStorage
) -> None:
    put(remote, "js/site.js", b"of production")
    aliases = {
        "site": {
            "BACKEND": "fallback_storage.storage.FallbackStorage",
            "OPTIONS": {"backends": ["staticfiles", {"BACKEND": remote, "READ_ONLY": True}]},
        },
        "staticfiles": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": disk.location, "base_url": "/static/"},
        },
    }
    with override_storages(aliases):
        call_command("collectstatic", interactive=False, verbosity=0)
        assert files_in(disk) == {*SOURCES}
        assert read(storages["site"], "js/site.js").decode() == SOURCES["js/site.js"]


def test_a_second_run_changes_nothing(pair: tuple[Storage, Storage]) -> None:
    first = FaultyStorage(pair[0])
    storage = FallbackStorage([first, pair[1]])
    collect(storage)
    first.forget()
    collect(storage)
    assert first.mutations == []


def test_a_file_that_changed_replaces_its_earlier_copy(
    pair: tuple[Storage, Storage], sources: Path
) -> None:
    storage = FallbackStorage(pair)
    collect(storage)
    (sources / "js/site.js").write_text("walk();\n")
    hour_ahead = (sources / "js/site.js").stat().st_mtime + 3600
    os.utime(sources / "js/site.js", (hour_ahead, hour_ahead))
    collect(storage)
    assert files_in(pair[0]) == {*SOURCES}
    assert read(pair[0], "js/site.js") == b"walk();\n"


# Hashed names.


def manifest_of(storage: Storage) -> dict[str, str]:
    paths: dict[str, str] = json.loads(read(storage, "staticfiles.json"))["paths"]
    return paths


def test_hashed_names_are_made_in_the_first_backend(pair: tuple[Storage, Storage]) -> None:
    collect(ManifestFallbackStorage(backends=pair))
    manifest = manifest_of(pair[0])
    assert manifest.keys() == SOURCES.keys()
    assert files_in(pair[0]) == {*SOURCES, *manifest.values(), "staticfiles.json"}
    background = os.path.basename(manifest["img/bg.png"])
    assert background in read(pair[0], manifest["css/site.css"]).decode()


def test_a_url_is_the_hashed_one(pair: tuple[Storage, Storage]) -> None:
    storage = ManifestFallbackStorage(backends=pair)
    collect(storage)
    hashed = manifest_of(storage)["css/site.css"]
    assert storage.url("css/site.css") == pair[0].url(hashed)
    assert ManifestFallbackStorage(backends=pair).url("css/site.css") == pair[0].url(hashed)


def test_a_second_run_gives_the_same_names(pair: tuple[Storage, Storage]) -> None:
    storage = ManifestFallbackStorage(backends=pair)
    collect(storage)
    manifest, files = manifest_of(storage), files_in(storage)
    collect(storage)
    assert (manifest_of(storage), files_in(storage)) == (manifest, files)


def test_hashed_names_are_right_where_production_has_them_already(
    disk: FileSystemStorage, remote: RemoteFaultyStorage
) -> None:
    collect(ManifestFallbackStorage(backends=[remote]))
    deployed = manifest_of(remote)
    remote.forget()
    storage = ManifestFallbackStorage(
        backends=[disk, {"BACKEND": remote, "READ_ONLY": True, "NAME": "production"}]
    )
    collect(storage)
    assert manifest_of(storage) == deployed
    assert storage.url("css/site.css") == f"/static/{deployed['css/site.css']}"
    assert remote.mutations == []


@pytest.mark.parametrize("lazy", [False, True], ids=["opens", "opens when read"])
def test_a_manifest_that_only_the_second_has_is_read(
    disk: FileSystemStorage, remote: RemoteFaultyStorage, lazy: bool
) -> None:
    if lazy:
        remote.stage("open", lazy=True)
    collect(ManifestFallbackStorage(backends=[disk]))
    storage = ManifestFallbackStorage(backends=[remote, disk])
    assert storage.url("js/site.js") == f"/static/{manifest_of(disk)['js/site.js']}"


def test_a_first_deploy_finds_no_manifest_where_files_open_when_read(
    disk: FileSystemStorage, remote: RemoteFaultyStorage
) -> None:
    remote.stage("open", lazy=True)
    storage = ManifestFallbackStorage(backends=[remote, disk])
    assert storage.read_manifest() is None


def test_a_manifest_that_cannot_be_read_is_not_an_empty_one(
    disk: FileSystemStorage, remote: RemoteFaultyStorage
) -> None:
    remote.refusing()
    with pytest.raises(ConnectionRefusedError):
        ManifestFallbackStorage(backends=[remote, disk])
