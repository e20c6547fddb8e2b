"""What is promised of two operations at a time, and what the documentation says is not."""

from __future__ import annotations

from .worlds import World

#: What changes a name whatever the world is.
_CHANGING = frozenset({"save", "delete", "replace", "wb", "ab", "r+b", "xb"})


def is_race_free(world: World, pair: tuple[str, str]) -> bool:
    """Return whether two operations come to what they would come to one after the other.

    Threads of one process always do, and processes on a local first backend. Between processes a
    store of objects is looked at first and saved to then, unless it creates conditionally; and
    there an overlay deletes in two steps, between which others may save.
    """
    if world.is_local or not world.apart:
        return True
    changing = [operation for operation in pair if _changes(world, operation)]
    if world.first.startswith("s3"):
        deletes = world.is_overlay and not {"delete", "replace"}.isdisjoint(changing)
        return len(changing) < 2 or not deletes
    return len(changing) < 2


def _changes(world: World, operation: str) -> bool:
    return operation in _CHANGING or (operation == "read" and world.promotes)
