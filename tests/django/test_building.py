"""Storages are built once, on first use, and again when the settings change."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import (
    FileSystemStorage,
    default_storage,
    storages,
)
from django.test import override_settings

from fallback_storage.storage import FallbackStorage
from fallback_storage.testing.promises.material import put, read

from .override import override_storages
from .storages import SlowStorage

FALLBACK = "fallback_storage.storage.FallbackStorage"
MEMORY = "django.core.files.storage.InMemoryStorage"
SLOW = "tests.django.storages.SlowStorage"
THREADS = 16


def memory_at(base_url: str) -> dict[str, Any]:
    return {"BACKEND": MEMORY, "OPTIONS": {"base_url": base_url}}


@pytest.fixture(autouse=True)
def nothing_begun() -> Iterator[None]:
    SlowStorage.forget()
    yield
    SlowStorage.forget()


def in_threads(work: Callable[[int], Any]) -> list[Any]:
    """What ``work`` comes to in sixteen threads that begin together."""
    together = Barrier(THREADS)

    def begin(number: int) -> Any:
        together.wait(60)
        return work(number)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(begin, range(THREADS)))


# Lazily.


def test_a_storage_is_constructed_before_its_aliases_are_in_the_settings() -> None:
    storage = FallbackStorage(["uploads", "production"])
    with pytest.raises(ImproperlyConfigured, match="uploads"):
        storage.exists("a.txt")
    with override_storages({"uploads": memory_at("/u/"), "production": memory_at("/p/")}):
        assert [backend.name for backend in storage.backends] == ["uploads", "production"]
        assert storage.url("a.txt") == "/p/a.txt"


def test_nothing_is_built_by_the_constructor() -> None:
    FallbackStorage([SLOW])
    assert SlowStorage.begun == []


def test_no_setting_is_read_by_the_import_or_the_constructor() -> None:
    program = f"""if True:
        from fallback_storage.storage import FallbackStorage
        FallbackStorage()
        FallbackStorage(on_fault="skip")
        FallbackStorage([{MEMORY!r}, "uploads", {{"BACKEND": "production", "READ_ONLY": True}}])
        from django.conf import settings
        assert not settings.configured
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# Once.


def test_a_storage_is_built_once() -> None:
    storage = FallbackStorage([SLOW])
    put(storage, "a.txt", b"a")
    assert read(storage, "a.txt") == b"a"
    assert len(SlowStorage.begun) == 1


def test_sixteen_threads_build_one_storage_and_get_right_results() -> None:
    storage = FallbackStorage([SLOW, MEMORY])

    def save_and_read(number: int) -> bytes:
        content: bytes = read(storage, put(storage, f"{number}.txt", b"%d" % number))
        return content

    assert in_threads(save_and_read) == [b"%d" % number for number in range(THREADS)]
    assert len(SlowStorage.begun) == 1
    assert len(storage.listdir("")[1]) == THREADS


@override_storages({"slow": {"BACKEND": SLOW}})
def test_sixteen_threads_on_two_storages_build_an_alias_once() -> None:
    pair = FallbackStorage(["slow"]), FallbackStorage([MEMORY, "slow"])
    assert in_threads(lambda number: pair[number % 2].exists("a.txt")) == [False] * THREADS
    assert SlowStorage.begun == [storages["slow"]]
    assert pair[0].backends[0].storage is pair[1].backends[1].storage


@override_storages(
    {
        "default": {"BACKEND": FALLBACK, "OPTIONS": {"backends": [MEMORY, "inner"]}},
        "inner": {"BACKEND": FALLBACK, "OPTIONS": {"backends": [SLOW]}},
    }
)
def test_sixteen_threads_on_nested_storages_build_each_once() -> None:
    outer, inner = storages["default"], storages["inner"]
    storage = (outer, inner)
    assert in_threads(lambda number: storage[number % 2].exists("a.txt")) == [False] * THREADS
    assert len(SlowStorage.begun) == 1


def test_a_constructor_that_failed_is_tried_again() -> None:
    storage = FallbackStorage(["uploads"])
    with (
        override_storages({"uploads": {"BACKEND": MEMORY, "OPTIONS": {"no": 1}}}),
        pytest.raises(ImproperlyConfigured),
    ):
        storage.exists("a.txt")
    with override_storages({"uploads": {"BACKEND": MEMORY}}):
        assert storage.exists("a.txt") is False


# Following the settings.


def test_an_alias_follows_the_settings_and_comes_back() -> None:
    storage = FallbackStorage(["uploads"])
    with override_storages({"uploads": memory_at("/one/")}):
        assert storage.url("a.txt") == "/one/a.txt"
        with override_storages({"uploads": memory_at("/two/")}):
            assert storage.url("a.txt") == "/two/a.txt"
            assert storage.backends[0].storage is storages["uploads"]
        assert storage.url("a.txt") == "/one/a.txt"


def test_the_setting_of_the_backends_is_followed() -> None:
    storage = FallbackStorage()
    with override_settings(FALLBACK_STORAGES=(memory_at("/one/"),)):
        assert storage.url("a.txt") == "/one/a.txt"
        with override_settings(FALLBACK_STORAGES=(memory_at("/two/"), memory_at("/three/"))):
            assert storage.url("a.txt") == "/three/a.txt"
        assert storage.url("a.txt") == "/one/a.txt"


def test_a_nested_storage_follows_the_settings() -> None:
    storage = FallbackStorage([FallbackStorage(["uploads"])])
    with override_storages({"uploads": memory_at("/one/")}):
        assert storage.url("a.txt") == "/one/a.txt"
    with override_storages({"uploads": memory_at("/two/")}):
        assert storage.url("a.txt") == "/two/a.txt"


def test_the_default_storage_follows_the_settings() -> None:
    for url in ("/one/", "/two/"):
        options = {"backends": [memory_at(url)]}
        with override_storages({"default": {"BACKEND": FALLBACK, "OPTIONS": options}}):
            assert default_storage.url("a.txt") == f"{url}a.txt"


def test_media_settings_reach_a_storage_that_is_built() -> None:
    storage = FallbackStorage(["django.core.files.storage.FileSystemStorage"])
    with override_settings(MEDIA_ROOT="/one", MEDIA_URL="/one/"):
        assert (storage.path("a.txt"), storage.url("a.txt")) == ("/one/a.txt", "/one/a.txt")
    with override_settings(MEDIA_ROOT="/two", MEDIA_URL="/two/"):
        assert (storage.path("a.txt"), storage.url("a.txt")) == ("/two/a.txt", "/two/a.txt")


# Copies.


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda storage: pickle.loads(pickle.dumps(storage))],  # noqa: S301
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_works_and_is_configured_alike(
    duplicate: Callable[[Any], Any], tmp_path: Any
) -> None:
    storage = FallbackStorage([FileSystemStorage(location=tmp_path)], on_fault="raise")
    put(storage, "a.txt", b"a")
    duplicated = duplicate(storage)
    assert read(duplicated, "a.txt") == b"a"
    assert repr(duplicated) == repr(storage)
    assert duplicated.options.on_fault == "raise"
    assert duplicated.deconstruct() == storage.deconstruct()


BUILDS_ELSEWHERE = """
import ctypes, os, threading, warnings
import django
from django.core.files.storage import InMemoryStorage
from fallback_storage.backend.factory import building
from fallback_storage.storage import FallbackStorage
warnings.simplefilter("ignore", DeprecationWarning)  # It has threads: that is the point.
django.setup()
begun, may_end = threading.Event(), threading.Event()

def build():
    with building(FallbackStorage([InMemoryStorage()])):
        begun.set()
        may_end.wait(60)

thread = threading.Thread(target=build)
thread.start()
begun.wait(60)
child = {fork}()
if not child:
    os._exit(len(FallbackStorage([InMemoryStorage()]).backends) - 1)
may_end.set()
thread.join()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("fork", ["os.fork", "ctypes.PyDLL(None).fork"])
def test_a_forked_child_does_not_wait_for_a_thread_that_builds_elsewhere(fork: str) -> None:
    """uWSGI forks as the second one does, without Python's hooks."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-W", "error", "-c", BUILDS_ELSEWHERE.format(fork=fork)]
    subprocess.run(command, env=environment, timeout=60, check=True)
