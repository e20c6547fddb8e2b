"""What users may rely on is named, and nothing else is."""

from __future__ import annotations

import importlib
import re
from importlib.metadata import version
from pathlib import Path

import pytest

import fallback_storage
from tests.completeness import PUBLIC

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_module_names_what_is_public(name: str) -> None:
    module = importlib.import_module(f"fallback_storage{name}")
    assert list(module.__all__) == sorted(set(module.__all__))
    assert [each for each in module.__all__ if not hasattr(module, each)] == []


def test_every_error_is_public() -> None:
    from fallback_storage import errors

    classes = {name for name, each in vars(errors).items() if isinstance(each, type)}
    own = {name for name in classes if getattr(errors, name).__module__ == errors.__name__}
    assert own == set(errors.__all__)


def test_the_public_modules_are_documented() -> None:
    section = CONTRIBUTING.read_text().partition("## Public and internal")[2].partition("## ")[0]
    assert {*re.findall(r"`fallback_storage((?:\.\w+)?)`", section)} == {*PUBLIC}


def test_the_version_is_that_of_the_distribution() -> None:
    assert fallback_storage.__version__ == version("django-fallback-storage")
