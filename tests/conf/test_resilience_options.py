"""What ``TIMEOUT``, ``THREADS``, ``BREAKER`` and ``presence`` take, and what is said otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InMemoryStorage

from fallback_storage.conf import BreakerOptions, PresenceOptions
from fallback_storage.storage import FallbackStorage, OverlayStorage

CLASSES = (FallbackStorage, OverlayStorage)


def mistake(cls: Any, entry: dict[str, Any], **options: Any) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        cls(backends=[{"BACKEND": InMemoryStorage(), **entry}], **options)
    return str(caught.value)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"TIMEOUT": "2"}, "TIMEOUT must be a number of seconds, above 0"),
        ({"TIMEOUT": 0}, "TIMEOUT must be a number of seconds, above 0"),
        ({"TIMEOUT": -1}, "TIMEOUT must be a number of seconds, above 0"),
        ({"TIMEOUT": True}, "TIMEOUT must be a number of seconds, above 0"),
        ({"TIMEOUT": float("inf")}, "TIMEOUT must be a number of seconds, above 0"),
        ({"TIMEOUT": float("nan")}, "TIMEOUT must be a number of seconds, above 0"),
        ({"TIMEUOT": 2}, "unknown key 'TIMEUOT'. Did you mean 'TIMEOUT'?"),
        ({"THREADS": 0}, "THREADS must be a number of threads, 1 or more"),
        ({"THREADS": 1.5}, "THREADS must be a number of threads, 1 or more"),
        ({"BREAKER": 5}, "BREAKER must be True, False or a mapping"),
        ({"BREAKER": None}, "BREAKER must be True, False or a mapping"),
        ({"BREAKER": {"failure": 5}}, "BREAKER: unknown key 'failure'. Did you mean 'failures'?"),
        ({"BREAKER": {"failures": 0}}, "BREAKER: failures must be a number of faults, 1 or more"),
        ({"BREAKER": {"rate": 2}}, "BREAKER: rate must be a number from 0 to 1"),
        ({"BREAKER": {"jitter": "10 %"}}, "BREAKER: jitter must be a number from 0 to 1"),
        ({"BREAKER": {"slow_fault": -1}}, "BREAKER: slow_fault must be a number of seconds, 0"),
        ({"BREAKER": {"cooldown": 200}}, "BREAKER: max_cooldown must not be less than cooldown"),
        ({"OPTIONS": 1}, "OPTIONS must be a mapping"),
        ({"READ_ONLY": 1}, "READ_ONLY must be True or False"),
    ],
)
def test_a_bad_value_names_the_place(cls: Any, entry: dict[str, Any], said: str) -> None:
    assert f"{cls.__name__}: backends[0]: {said}" in mistake(cls, entry)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    ("presence", "said"),
    [
        ("default", "presence must be None or a mapping"),
        (True, "presence must be None or a mapping"),
        ({"cashe": "default"}, "presence: unknown key 'cashe'. Did you mean 'cache'?"),
        ({"cache": ""}, "presence: cache must be an alias of CACHES"),
        ({"cache": None}, "presence: cache must be an alias of CACHES"),
        ({"found": -1}, "presence: found must be a number of seconds, 0 or more"),
        ({"missing": 1.5}, "presence: missing must be a number of seconds, 0 or more"),
    ],
)
def test_a_bad_presence_names_the_place(cls: Any, presence: Any, said: str) -> None:
    assert f"{cls.__name__}: {said}" in mistake(cls, {}, presence=presence)


@pytest.mark.parametrize("cls", CLASSES)
def test_what_is_not_said_is_as_documented(cls: Any) -> None:
    storage = cls(
        backends=[
            {"BACKEND": InMemoryStorage(), "BREAKER": True, "TIMEOUT": 2.5, "THREADS": 4},
            {"BACKEND": InMemoryStorage(), "BREAKER": False},
            {"BACKEND": InMemoryStorage(), "BREAKER": {"slow_call": 3, "slow_fault": None}},
            {"BACKEND": InMemoryStorage(), "TIMEOUT": None, "THREADS": None},
        ],
        presence={},
    )
    first, second, third, fourth = storage.options.backends()
    assert (first.timeout, first.threads, first.breaker) == (2.5, 4, BreakerOptions())
    assert second.breaker is False
    assert third.breaker == BreakerOptions(slow_call=3.0, slow_fault=None)
    assert (fourth.timeout, fourth.threads, fourth.breaker) == (None, None, None)
    assert storage.options.presence == PresenceOptions("default", 3600, 60)
    assert cls(backends=[InMemoryStorage()]).options.presence is None
