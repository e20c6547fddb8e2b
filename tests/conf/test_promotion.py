"""What ``promote`` takes, and what is said of anything else."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InMemoryStorage

from fallback_storage.storage import FallbackStorage, OverlayStorage

CLASSES = (FallbackStorage, OverlayStorage)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    ("promote", "said"),
    [
        ("yes", "promote must be True, False or a mapping"),
        (1, "promote must be True, False or a mapping"),
        ({"max_sise": 1}, "promote: unknown key 'max_sise'. Did you mean 'max_size'?"),
        ({"max_size": "1 MB"}, "promote: max_size must be a whole number of bytes"),
        ({"max_size": -1}, "promote: max_size must be a whole number of bytes"),
        ({"max_size": True}, "promote: max_size must be a whole number of bytes"),
        ({"include": "*.jpg"}, "promote: include must be a list of shell patterns"),
        ({"exclude": [1]}, "promote: exclude must be a list of shell patterns"),
    ],
)
def test_a_bad_value_names_the_place(cls: Any, promote: Any, said: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        cls(backends=[InMemoryStorage()], promote=promote)
    assert f"{cls.__name__}: {said}" in str(caught.value)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("promote", [True, False, {}, {"max_size": 0, "include": ["*"]}])
def test_a_good_value_is_taken(cls: Any, promote: Any) -> None:
    assert (cls(backends=[InMemoryStorage()], promote=promote).options.promotion is None) is (
        promote is False
    )
