"""Each validator returns what is right, and says of anything else what belongs in its place."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from fallback_storage.conf import validation
from fallback_storage.conf.validation import MAX_SECONDS, Validator

#: What ``threading.TIMEOUT_MAX`` is where it is least: on Windows.
LEAST_TIMEOUT_MAX = 4_294_967

whole_number = partial(validation.whole_number, unit="bytes", least=1)
zero_or_more = partial(validation.seconds, zero=True)
choice = partial(validation.choice, choices=(False, "same-host"))
texts = partial(validation.texts, what="a list of names")


def function() -> None:
    """Do nothing."""


RIGHT: list[tuple[Validator, Any]] = [
    (validation.mapping, {"a": 1}),
    (validation.flag, False),
    (whole_number, 1),
    (validation.seconds, 0.001),
    (validation.seconds, MAX_SECONDS),
    (zero_or_more, 0),
    (validation.share, 0),
    (validation.share, 1.0),
    (validation.text, "a"),
    (texts, ("a", "b")),
    (texts, ()),
    (choice, False),
    (choice, "same-host"),
    (validation.function, function),
    (validation.optional(validation.flag), None),
    (validation.optional(validation.flag), True),
]
WRONG: list[tuple[Validator, list[Any], str]] = [
    (validation.mapping, [None, [("a", 1)], "a"], "must be a mapping."),
    (validation.flag, [0, 1, None, "True"], "must be True or False."),
    (whole_number, [0, True, 1.0, "1", None], "must be a whole number of bytes, 1 or more."),
    (
        validation.seconds,
        [0, -1, True, "1", None, MAX_SECONDS + 1, 10**400, math.inf, math.nan],
        "must be a number of seconds, more than 0 and at most 1000000.",
    ),
    (
        zero_or_more,
        [-1, False, MAX_SECONDS + 1],
        "must be a number of seconds, 0 or more and at most 1000000.",
    ),
    (validation.share, [-0.1, 1.1, True, "1", math.nan], "must be a number from 0 to 1."),
    (validation.text, ["", None, b"a"], "must be text that is not empty."),
    (texts, ["a", [1], None, {"a"}], "must be a list of names."),
    (choice, [0, True, None, ["same-host"]], "must be False or 'same-host'."),
    (choice, ["same_host"], "must be False or 'same-host'. Did you mean 'same-host'?"),
    (validation.function, [None, 1], "must be a function."),
    (validation.optional(validation.flag), [0], "must be True or False."),
]


@pytest.mark.parametrize(("validator", "value"), RIGHT)
def test_a_right_value_is_returned(validator: Validator, value: Any) -> None:
    assert validator(value, "place") == value


@pytest.mark.parametrize(
    ("validator", "value", "said"),
    [(validator, value, said) for validator, values, said in WRONG for value in values],
)
def test_a_wrong_value_says_what_belongs_there(
    validator: Validator, value: Any, said: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        validator(value, "place")
    assert str(error.value) == f"place {said}"


def test_the_longest_time_is_one_that_a_lock_takes_on_every_system() -> None:
    assert MAX_SECONDS <= LEAST_TIMEOUT_MAX
