"""A storage whose constructor asks its server: down, slow, or wrongly configured."""

from __future__ import annotations

import copy
import inspect
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages

from fallback_storage.errors import BreakerOpen, DeadlineExceeded, StorageUnavailable
from fallback_storage.signals import breaker_changed
from fallback_storage.status import status
from fallback_storage.storage import FallbackStorage, OverlayStorage
from tests.django.override import override_storages
from tests.remotes import Remote, breaker_of

CONNECTING = f"{__name__}.Connecting"
FALLBACK = "fallback_storage.storage.FallbackStorage"
ALIASES = {
    "first": {"BACKEND": CONNECTING, "OPTIONS": {"bucket": "a"}},
    "memory": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
}


class Connecting(Remote):
    """As django-minio-storage: it looks for its bucket when it is built."""

    error: Exception | None = None
    waits: threading.Event | None = None
    built = 0
    overwrite = False
    files_of_all: dict[str, bytes]

    def __init__(self, bucket: str) -> None:
        super().__init__()
        type(self).built += 1
        self.bucket = bucket
        self.file_overwrite = self.overwrite
        if self.waits is not None:
            self.waits.wait(60)
        if self.error is not None:
            raise type(self.error)(*self.error.args)

    def url(self, name: Any, expire: int = 0) -> str:
        return f"/{self.bucket}/{name}?{expire}"


@pytest.fixture(autouse=True)
def _new() -> Iterator[None]:
    yield
    Connecting.error = Connecting.waits = None
    Connecting.built, Connecting.overwrite = 0, False


def connecting(**keys: Any) -> dict[str, Any]:
    return {"BACKEND": CONNECTING, "OPTIONS": {"bucket": "a"}, "NAME": "connecting", **keys}


@pytest.mark.parametrize(
    "error",
    [
        *(ConnectionError("refused"), OSError("x"), ValueError("x"), PermissionError("x")),
        FileNotFoundError("key.pem"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("by_alias", [True, False])
def test_while_its_server_is_down_the_others_serve(error: Exception, by_alias: bool) -> None:
    Connecting.error = error
    memory = InMemoryStorage()
    memory.save("a.txt", ContentFile(b"content"))
    with override_storages(ALIASES):
        first = {"BACKEND": "first"} if by_alias else connecting()
        storage = FallbackStorage(backends=[{**first, "BREAKER": False}, memory])
        assert storage.open("a.txt").read() == b"content"
        with pytest.raises(StorageUnavailable, match=type(error).__name__):
            storage.exists("b.txt")
        assert storage.save("b.txt", ContentFile(b"new")) != "b.txt"
        Connecting.error = None
        assert not storage.exists("c.txt")
        assert storage.save("c.txt", ContentFile(b"new")) == "c.txt"
        assert storage.locate("c.txt") == storage.backends[0].name
        built = Connecting.built
        storage.size("c.txt")
        assert Connecting.built == built


def test_its_outage_is_counted_and_ends() -> None:
    Connecting.error = ConnectionError("refused")
    breaker = {"failures": 2, "cooldown": 1e-6}
    storage = OverlayStorage(backends=[InMemoryStorage(), connecting(BREAKER=breaker)])
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            storage.size("a.txt")
    assert breaker_of(storage, 1).state == "open"
    Connecting.error = None
    while breaker_of(storage, 1).seconds_left:
        pass
    assert not storage.exists("a.txt")
    assert breaker_of(storage, 1).state == "closed"


def test_an_open_breaker_keeps_it_from_being_built() -> None:
    Connecting.error = ConnectionError("refused")
    storage = FallbackStorage(backends=[connecting(BREAKER={"failures": 1}), InMemoryStorage()])
    with pytest.raises(StorageUnavailable):
        storage.exists("a.txt")
    built = Connecting.built
    with pytest.raises(BreakerOpen):
        storage.exists("a.txt")
    assert Connecting.built == built


def test_a_slow_one_holds_up_nobody_past_the_deadline_and_no_other_storage() -> None:
    Connecting.waits = threading.Event()
    slow = FallbackStorage(backends=[connecting(TIMEOUT=0.1)])
    with pytest.raises(DeadlineExceeded):
        slow.exists("a.txt")
    other = FallbackStorage(backends=[{"BACKEND": f"{__name__}.Other", "NAME": "other"}])
    assert not other.exists("a.txt")
    Connecting.waits.set()


class Other(Remote):
    pass


def test_it_is_built_once_however_many_ask_at_once() -> None:
    storage = FallbackStorage(backends=[connecting(), InMemoryStorage()])
    Connecting.waits = threading.Event()
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(storage.exists, f"{number}.txt") for number in range(8)]
        Connecting.waits.set()
        assert not any(answer.result() for answer in answers)
    assert Connecting.built == 1


def test_a_mistake_in_its_settings_is_one_before_it_is_built() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"backends\[0\].*bucket"):
        FallbackStorage(backends=[connecting(OPTIONS={"buckets": "a"})]).backends  # noqa: B018
    assert Connecting.built == 0


@pytest.mark.parametrize(
    "error", [ImproperlyConfigured("No region."), KeyError("region"), TypeError("no region")]
)
def test_a_mistake_that_it_finds_is_raised_at_once(error: Exception) -> None:
    Connecting.error = error
    storage = FallbackStorage(backends=[connecting(), InMemoryStorage()])
    with pytest.raises(ImproperlyConfigured, match="cannot be built from its options"):
        storage.exists("a.txt")


class Answered(Exception):
    """What a client raises for the answer of a server."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.http_status = status


class Blaming(Remote):
    """As Swift's: it takes whatever its server does for a mistake in the settings."""

    error: Exception

    def __init__(self) -> None:
        super().__init__()
        try:
            raise type(self).error
        except Exception:
            raise ImproperlyConfigured("Could not authenticate.")  # noqa: B904 - as Swift's does.


@pytest.mark.parametrize(
    "error", [ConnectionError("refused"), TimeoutError(), Answered(503), Answered(429)], ids=repr
)
def test_an_outage_that_is_taken_for_a_mistake_in_the_settings_is_an_outage(
    error: Exception,
) -> None:
    Blaming.error = error
    memory = InMemoryStorage()
    memory.save("a.txt", ContentFile(b"content"))
    blaming = {"BACKEND": f"{__name__}.Blaming", "NAME": "blaming", "BREAKER": {"failures": 1}}
    storage = OverlayStorage(backends=[memory, blaming])
    assert storage.open("a.txt").read() == b"content"
    with pytest.raises(StorageUnavailable, match=r"no answer from blaming"):
        storage.size("b.txt")
    assert breaker_of(storage, 1).state == "open"


@pytest.mark.parametrize("error", [Answered(401), Answered(404), KeyError("region")], ids=repr)
def test_a_mistake_that_its_server_tells_of_is_one(error: Exception) -> None:
    Blaming.error = error
    storage = OverlayStorage(backends=[InMemoryStorage(), {"BACKEND": f"{__name__}.Blaming"}])
    with pytest.raises(ImproperlyConfigured, match="cannot be built from its options"):
        storage.size("a.txt")


def test_an_outage_of_another_backend_excuses_no_mistake() -> None:
    Blaming.error = KeyError("region")
    storage = FallbackStorage(backends=[{"BACKEND": f"{__name__}.Blaming"}])
    try:
        raise ConnectionError("another's")
    except ConnectionError:
        with pytest.raises(ImproperlyConfigured):
            storage.exists("a.txt")


def test_a_time_limit_while_it_is_built_ends_everything() -> None:
    Connecting.error = MemoryError()
    with pytest.raises(MemoryError):
        FallbackStorage(backends=[connecting(), InMemoryStorage()]).exists("a.txt")


def test_all_combined_storages_use_django_s_own() -> None:
    with override_storages(ALIASES):
        first, second = (FallbackStorage(backends=["first", "memory"]) for _ in range(2))
        first.save("a.txt", ContentFile(b"content"))
        assert second.backends[0].storage is first.backends[0].storage
        assert storages["first"].exists("a.txt")
        assert Connecting.built == 1


def test_what_it_says_of_itself_is_heard_once_it_is_built() -> None:
    Connecting.overwrite = True
    storage = FallbackStorage(backends=[connecting()])
    assert storage.file_overwrite
    assert storage.save("a.txt", ContentFile(b"1")) == storage.save("a.txt", ContentFile(b"2"))
    assert storage.url("a.txt", expire=7, other=8) == "/a/a.txt?7"
    assert list(inspect.signature(storage.backends[0].storage.url).parameters) == [
        "name",
        "expire",
    ]
    assert storage.backends[0].is_remote


def test_what_it_would_say_of_itself_is_not_known_while_it_is_down() -> None:
    Connecting.overwrite, Connecting.error = True, ConnectionError("refused")
    storage = FallbackStorage(backends=[connecting(), InMemoryStorage()])
    assert not storage.file_overwrite


def test_its_class_is_not_to_be_changed() -> None:
    storage = FallbackStorage(backends=[connecting()]).backends[0].storage
    with pytest.raises(TypeError, match="class"):
        storage.__class__ = Other


class Proxy:
    """Has no methods of its own to be seen."""

    def __init__(self) -> None:
        self._inner = InMemoryStorage()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_a_class_whose_methods_cannot_be_seen_is_built_at_once() -> None:
    storage = FallbackStorage(backends=[f"{__name__}.Proxy"])
    storage.save("a.txt", ContentFile(b"content"))
    assert storage.open("a.txt").read() == b"content"


class ConnectingS3(InMemoryStorage):
    """A known class that asks its server all the same."""

    error: Exception | None = ConnectionError("refused")

    def __init__(self) -> None:
        super().__init__()
        if self.error is not None:
            raise self.error


def test_a_subclass_of_a_known_one_may_ask_its_server_too() -> None:
    storage = FallbackStorage(backends=[f"{__name__}.ConnectingS3", InMemoryStorage()])
    with pytest.raises(StorageUnavailable):
        storage.exists("a.txt")
    ConnectingS3.error = None
    try:
        assert not storage.exists("a.txt")
        assert not storage.backends[0].is_remote
    finally:
        ConnectingS3.error = ConnectionError("refused")


def test_a_limit_in_the_constructor_of_a_known_one_is_raised() -> None:
    ConnectingS3.error = MemoryError()
    try:
        with pytest.raises(MemoryError):
            FallbackStorage(backends=[f"{__name__}.ConnectingS3"]).exists("a.txt")
    finally:
        ConnectingS3.error = ConnectionError("refused")


def test_it_is_known_by_its_class_before_it_is_built() -> None:
    told: list[Any] = []

    def receiver(sender: type, **kwargs: Any) -> None:
        told.append(sender)

    breaker_changed.connect(receiver)
    Connecting.error = ConnectionError("refused")
    first = {"BACKEND": "first", "BREAKER": {"failures": 1}}
    default = {"BACKEND": FALLBACK, "OPTIONS": {"backends": [first, "memory"]}}
    try:
        with override_storages({**ALIASES, "default": default}):
            with pytest.raises(StorageUnavailable):
                storages["default"].exists("a.txt")
            assert status()[0].backends[0].storage == CONNECTING
    finally:
        breaker_changed.disconnect(receiver)
    assert told == [Connecting]


def test_to_copy_it_or_to_look_at_it_does_not_build_it() -> None:
    storage = FallbackStorage(backends=[connecting()]).backends[0].storage
    assert isinstance(storage, Connecting)
    assert not hasattr(storage, "__len__")
    copied = copy.copy(storage)
    assert Connecting.built == 0
    assert not copied.exists("a.txt")


class NamesItself(Connecting):
    def generate_filename(self, filename: Any) -> str:
        return f"own/{filename}"

    def get_alternative_name(self, file_root: str, file_ext: str) -> str:
        return f"{file_root}-own{file_ext}"


def test_while_it_cannot_be_built_names_are_made_as_by_django() -> None:
    NamesItself.error = ConnectionError("refused")
    first = {"BACKEND": f"{__name__}.NamesItself", "OPTIONS": {"bucket": "a"}}
    storage = FallbackStorage(backends=[first, InMemoryStorage()])
    try:
        assert storage.generate_filename("d/a b.txt") == "d/a_b.txt"
        assert re.fullmatch(r"a_\w{7}\.txt", storage.get_alternative_name("a", ".txt"))
    finally:
        del NamesItself.error
    assert storage.generate_filename("a.txt") == "own/a.txt"
    assert storage.get_alternative_name("a", ".txt") == "a-own.txt"
