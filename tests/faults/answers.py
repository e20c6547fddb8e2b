"""The rule for what is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .facts import ANSWERED, Complaints, Run
from .memory import time_of
from .operations import READ
from .worlds import DIRECTORY, NAME, VERSIONS, WHITEOUT, Ill, holder, listing, served


def answers_are_true(run: Run) -> Complaints:
    """1: no answer is a guess. A failover may serve the next copy, and only that."""
    if run.operation.purpose != READ or run.outcome.kind != ANSWERED:
        return
    value, asked = run.outcome.value, run.operation.name
    if asked in _IS_TRUE:
        if not any(_IS_TRUE[asked](run, value, without) for without in _views(run)):
            yield f"a wrong answer to {asked}"
    elif asked == "open, write to it":
        if value:
            yield "a file that was opened to be read was written"
    elif value not in {served(run.setup, run.before, NAME, without) for without in _views(run)}:
        yield from _what_was_read(run, value)


def _what_was_read(run: Run, value: bytes) -> Complaints:
    if value in VERSIONS:
        yield "another version was read"
    elif not run.hides_the_file_by_a_part:
        yield "half a file was read"


def _views(run: Run) -> list[Ill]:
    """Return which backends may be taken as not there: none, or some of those that failed."""
    asks_for_all = run.operation.name in ("exists", "listdir")
    views = [frozenset[int]()]
    if run.setup.fails_over and (run.setup.on_fault == "skip" or not asks_for_all):
        views += [*(frozenset({number}) for number in run.ill), run.ill]
    if run.operation.name != "listdir":
        views.append(run.inferred_missing)
    return views


def _exists(run: Run, value: bool, without: Ill) -> bool:
    return value is (served(run.setup, run.before, NAME, without) is not None)


def _size(run: Run, value: object, without: Ill) -> bool:
    content = served(run.setup, run.before, NAME, without)
    return content is not None and value == len(content)


def _modified(run: Run, value: object, without: Ill) -> bool:
    content = served(run.setup, run.before, NAME, without)
    return content is not None and value == time_of(content)


def _listdir(run: Run, value: set[str], without: Ill) -> bool:
    prefix = f"{DIRECTORY}/"
    names = listing(run.setup, run.before, without)
    return value == {name.removeprefix(prefix) for name in names if name.startswith(prefix)}


def _url(run: Run, value: str, without: Ill) -> bool:
    number = holder(run.setup, run.before, NAME, without)
    if number is None:
        hidden = run.setup.is_overlay and WHITEOUT in run.before[0]
        number = 0 if hidden else len(run.before) - 1
    return value == f"https://{number}.example/{NAME}"


def _path(run: Run, value: tuple[str, bytes | None], without: Ill) -> bool:
    path, content = value
    number = int(path.removesuffix(f"/{NAME}").rpartition("/")[2])
    if run.setup.is_overlay and number != 0:
        return False  # A path is a licence to write.
    if number not in run.setup.writable and NAME not in run.before[number]:
        return False
    return content == served(run.setup, run.before, NAME, without)


_IS_TRUE: dict[str, Callable[[Run, Any, Ill], bool]] = {
    "exists": _exists,
    "size": _size,
    "get_modified_time": _modified,
    "listdir": _listdir,
    "url": _url,
    "path": _path,
}
