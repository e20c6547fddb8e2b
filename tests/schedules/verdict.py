"""What is wrong with a schedule, in one of a few kinds."""

from __future__ import annotations

from collections.abc import Iterator

from .operations import saved_by
from .oracle import Seen, Told
from .worlds import NAME, NEWER, OLDER

_EXPECTED = (FileNotFoundError, FileExistsError)
#: By name, since each process has classes of its own: what a backend that is kept makes of a
#: delete, and what S3 says of an object that was deleted after it was opened.
_EXPECTED_BY_NAME = frozenset({"ReadOnlyStorageError", "NoSuchKey"})
_IN_PLACE = frozenset({"wb", "ab", "r+b", "xb"})


def kind_of(told: tuple[Told, Told], seen: Seen) -> str:
    """Return the kind of what no order of the two operations explains."""
    return next(_kinds(told, seen), "no order explains it")


def _kinds(told: tuple[Told, Told], seen: Seen) -> Iterator[str]:
    files = dict(seen.files)
    yield from never(told, seen)
    saved = {each.actor: each.results[-1] for each in told if _has_saved(each)}
    if len(saved) == 2 and len(set(saved.values())) == 1:
        yield "two saves are given one name"
    if any(files.get(name) != saved_by(actor) for actor, name in saved.items()):
        yield "what was saved is lost"
    is_deleted = any(each.operation == "delete" and each.results == (None,) for each in told)
    if is_deleted and files.get(NAME) in (OLDER, NEWER):
        yield "what was deleted is back"
    if any(each.is_cut_off for each in told):
        yield "what was cut off is done by half"


def never(told: tuple[Told, Told], seen: Seen) -> Iterator[str]:
    """Yield what is wrong whatever the two operations do to each other."""
    for each in told:
        yield from _errors(each)
    yield from _halves(told, dict(seen.files))


def _has_saved(told: Told) -> bool:
    return told.operation in ("save", "replace") and any(isinstance(r, str) for r in told.results)


def _errors(told: Told) -> Iterator[str]:
    for result in told.results:
        if isinstance(result, Exception) and not _is_expected(result):
            yield f"{told.operation} raises {type(result).__name__}"


def _is_expected(error: Exception) -> bool:
    return isinstance(error, _EXPECTED) or type(error).__name__ in _EXPECTED_BY_NAME


def _halves(told: tuple[Told, Told], files: dict[str, bytes]) -> Iterator[str]:
    if any(each.operation in _IN_PLACE for each in told):
        return
    whole = {OLDER, NEWER, *(saved_by(each.actor) for each in told)}
    read = [r for each in told for r in each.results if isinstance(r, bytes)]
    if not whole.issuperset(read):
        yield "half a file is read"
    if not whole.issuperset(files.values()):
        yield "half a file is left"
    sizes = {len(content) for content in whole}
    measured = [r for each in told for r in each.results if type(r) is int]
    if not sizes.issuperset(measured):
        yield "half a file is measured"
