"""A storage that contains itself is a mistake that names the chain, never a recursion error."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.test import override_settings

from fallback_storage.storage import FallbackStorage

from .override import override_storages

FALLBACK = "fallback_storage.storage.FallbackStorage"
MEMORY = "django.core.files.storage.InMemoryStorage"


def combined(*backends: Any) -> dict[str, Any]:
    return {"BACKEND": FALLBACK, "OPTIONS": {"backends": list(backends)}}


def chain_of(storage: Any) -> list[str]:
    """The names of the storages in the chain that using ``storage`` complains about."""
    with pytest.raises(ImproperlyConfigured, match="must not contain itself") as caught:
        storage.exists("a.txt")
    return [link.strip(" <>.") for link in str(caught.value).split(": ", 1)[1].split("->")]


@override_storages({"default": combined("default")})
def test_a_storage_that_names_itself() -> None:
    chain = chain_of(storages["default"])
    assert len(chain) == 2
    assert chain[0] == chain[1]
    assert "default" in chain[0]


@override_storages({"default": combined("uploads", "default"), "uploads": {"BACKEND": MEMORY}})
def test_a_storage_that_names_itself_beside_others() -> None:
    assert chain_of(storages["default"])


@pytest.mark.parametrize("alias", ["left", "right"])
@override_storages({"left": combined("right"), "right": combined("left")})
def test_a_circle_of_two(alias: str) -> None:
    chain = chain_of(storages[alias])
    assert len(chain) == 3
    assert chain[0] == chain[2] != chain[1]


@override_storages({"a": combined("b"), "b": combined("c"), "c": combined("a")})
def test_a_circle_of_three_met_from_outside_names_the_circle() -> None:
    chain = " ".join(chain_of(FallbackStorage([MEMORY, "b"])))
    assert all(alias in chain for alias in "abc")


@override_settings(FALLBACK_STORAGES=(FALLBACK,))
def test_the_setting_names_the_class_that_it_serves() -> None:
    assert chain_of(FallbackStorage())


@override_storages({"default": {"BACKEND": FALLBACK}}, FALLBACK_STORAGES=(MEMORY, "default"))
def test_the_setting_names_the_alias_that_it_serves() -> None:
    assert chain_of(storages["default"])


@override_storages({"default": combined(combined("default"))})
def test_a_circle_through_a_mapping() -> None:
    assert chain_of(storages["default"])


@override_storages({"default": combined({"BACKEND": "default", "READ_ONLY": True})})
def test_a_circle_through_a_read_only_entry() -> None:
    assert chain_of(storages["default"])


def test_a_circle_through_the_default_storage_itself() -> None:
    with override_storages({"default": combined(default_storage)}):
        assert chain_of(default_storage)


@pytest.mark.parametrize(
    "use",
    [
        lambda s: s.open("a.txt"),
        lambda s: s.save("a.txt", ContentFile(b"")),
        lambda s: s.delete("a.txt"),
        lambda s: s.listdir(""),
        lambda s: s.url("a.txt"),
        lambda s: s.path("a.txt"),
        lambda s: s.explain("a.txt"),
        lambda s: s.backends,
    ],
)
@override_storages({"left": combined("right"), "right": combined("left")})
def test_every_use_of_a_circle_is_the_same_mistake(use: Any) -> None:
    for _ in range(2):
        with pytest.raises(ImproperlyConfigured, match="must not contain itself"):
            use(storages["left"])


def test_a_circle_that_was_opened_is_forgotten() -> None:
    storage = FallbackStorage(["left"])
    with override_storages({"left": combined("right"), "right": combined("left")}):
        assert chain_of(storage)
    with override_storages({"left": combined("right"), "right": {"BACKEND": MEMORY}}):
        assert storage.exists("a.txt") is False


@override_storages(
    {
        "top": combined("shared", "middle"),
        "middle": combined("shared"),
        "shared": combined(MEMORY),
    }
)
def test_a_storage_met_twice_is_no_circle() -> None:
    assert storages["top"].exists("a.txt") is False
