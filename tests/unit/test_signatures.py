"""Constructors show the options that they take, with the defaults that these have."""

from __future__ import annotations

import inspect
import pydoc
from dataclasses import MISSING, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from django.core.exceptions import ImproperlyConfigured

from fallback_storage import conf
from fallback_storage.combined.base import CombinedStorage
from fallback_storage.conf import takes_options
from fallback_storage.http import HTTPStorage
from fallback_storage.http.options import HTTPOptions
from fallback_storage.storage import FallbackStorage, OverlayStorage

COMBINED = [FallbackStorage, OverlayStorage]


def defaults(cls: type) -> dict[str, Any]:
    parameters = inspect.signature(cls).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters}


def unquoted(text: str) -> str:
    # Before Python 3.14 help() shows each type in quotes.
    return text.replace("'", "").replace('"', "")


def options(cls: type[CombinedStorage], **given: Any) -> conf.StorageOptions:
    return conf.storage_options(cls, cls.policies, None, given)


@pytest.mark.parametrize("cls", COMBINED)
def test_a_signature_names_every_option_of_a_combined_storage(cls: type[CombinedStorage]) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        options(cls, unheard_of=1)
    known = str(error.value).partition("Known: ")[2].rstrip(".").split(", ")
    assert sorted(defaults(cls)) == known


@pytest.mark.parametrize("cls", COMBINED)
def test_a_signature_has_the_defaults_of_a_combined_storage(cls: type[CombinedStorage]) -> None:
    given = {name: value for name, value in defaults(cls).items() if name != "backends"}
    assert options(cls, **given) == options(cls)


@pytest.mark.parametrize("cls", COMBINED)
def test_a_signature_has_the_values_of_each_policy(cls: type[CombinedStorage]) -> None:
    hints = get_type_hints(cls.__init__, vars(inspect.getmodule(cls)))
    literals = {n: get_args(hint) for n, hint in hints.items() if get_origin(hint) is Literal}
    assert literals == {name: v for name, v in cls.policies.items() if len(v) > 1}


def test_a_signature_has_the_options_and_defaults_of_an_http_storage() -> None:
    table = {each.name: each.default for each in fields(HTTPOptions)}
    assert table.pop("base_url") is MISSING
    assert table.pop("headers") is MISSING
    shown = defaults(HTTPStorage)
    assert (shown.pop("base_url"), shown.pop("headers")) == (None, None)
    assert shown == table
    assert HTTPStorage("https://example.org/", headers=None).options.headers == {}


@pytest.mark.parametrize("cls", [*COMBINED, HTTPStorage])
def test_every_option_but_the_first_is_given_by_name(cls: type) -> None:
    first, *others = inspect.signature(cls).parameters.values()
    assert first.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert {each.kind for each in others} == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("cls", [*COMBINED, HTTPStorage])
def test_help_shows_every_option_and_its_type(cls: type) -> None:
    shown = pydoc.plain(pydoc.render_doc(cls)).partition("Method resolution order")[0]
    for parameter in inspect.signature(cls).parameters.values():
        assert f"{parameter.name}: {unquoted(parameter.annotation)} = " in unquoted(shown)


class _Drawer:
    @takes_options
    def __init__(self, first: int = 0, *, second: int = 0) -> None:
        self.sum = first + second


class _LargeDrawer(_Drawer):
    def __init__(self, **options: Any) -> None:
        super().__init__(10, **options)


def test_options_are_given_to_the_constructor() -> None:
    assert _Drawer(1, second=2).sum == 3


def test_an_unknown_option_of_a_subclass_names_the_subclass_and_the_nearest_option() -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        _LargeDrawer(secnd=1)
    assert str(error.value) == (
        "_LargeDrawer: unknown option 'secnd'. Did you mean 'second'? Known: first, second."
    )
