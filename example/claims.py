"""Claims that must hold for the demo to go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Untrue(Exception):
    """A claim did not hold; the message says what was seen instead."""


def check(truth: object, otherwise: str) -> None:
    """Raise `Untrue` with the message unless it is so."""
    if not truth:
        raise Untrue(otherwise)


@contextmanager
def caught(kind: type[Exception]) -> Iterator[list[Exception]]:
    """Demand an error of this kind from the block, and hand it out."""
    errors: list[Exception] = []
    try:
        yield errors
    except kind as error:
        errors.append(error)
    check(errors, f"There was no {kind.__name__}.")
