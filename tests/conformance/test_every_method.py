"""No method of Django's Storage is inherited by oversight."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from django.core.files.storage import Storage

from fallback_storage.combined.base import CombinedStorage
from fallback_storage.storage import FallbackStorage, OverlayStorage

#: What CombinedStorage leaves to Django, and why it may.
INHERITED = {
    "open": "calls `_open`, which asks the backends",
    "is_name_available": "answers by `exists`, and raises where that does",  # from Django 5.1
}
#: Methods that a subclass of Storage implements, as Django's documentation lists them.
PRIVATE = ("_open", "_save")

METHODS = sorted(
    [name for name in dir(Storage) if name[0] != "_" and callable(getattr(Storage, name))]
)


def is_overridden(name: str) -> bool:
    return getattr(CombinedStorage, name) is not getattr(Storage, name, None)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_overridden_or_inherited_for_a_reason(name: str) -> None:
    assert is_overridden(name) is (name not in INHERITED)


@pytest.mark.parametrize("name", PRIVATE)
def test_what_django_calls_is_implemented(name: str) -> None:
    assert is_overridden(name)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_called_as_djangos_is(name: str) -> None:
    assert _parameters(CombinedStorage, name)[: len(_parameters(Storage, name))] == _parameters(
        Storage, name
    )


def _parameters(cls: type, name: str) -> list[tuple[str, Any]]:
    """The names and defaults of what may be given by position."""
    parameters = inspect.signature(getattr(cls, name)).parameters.values()
    return [
        (parameter.name, parameter.default)
        for parameter in parameters
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]


@pytest.mark.parametrize("name", [*METHODS, *PRIVATE])
def test_a_class_names_its_policies_and_implements_nothing(name: str) -> None:
    assert name not in {*vars(FallbackStorage), *vars(OverlayStorage)}
