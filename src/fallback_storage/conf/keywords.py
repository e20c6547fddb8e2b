"""Constructors whose keywords are options: each option stands in the signature."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from django.views.decorators.debug import sensitive_variables

from fallback_storage.conf.validation import refuse_unknown

P = ParamSpec("P")
S = TypeVar("S")


def takes_options(
    constructor: Callable[Concatenate[S, P], None],
) -> Callable[Concatenate[S, P], None]:
    """Refuse an unknown keyword of ``__init__`` as an unknown option of the class.

    ``ImproperlyConfigured`` names the nearest known one. No report of an error shows a value.
    """
    _, *known = inspect.signature(constructor).parameters

    @sensitive_variables()
    @functools.wraps(constructor)
    def checked(storage: S, *args: Any, **options: Any) -> None:
        refuse_unknown(options, known, type(storage).__name__, "option")
        cast(Any, constructor)(storage, *args, **options)

    return cast(Callable[Concatenate[S, P], None], checked)
