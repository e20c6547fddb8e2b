"""Which backend holds each of many names: a page's worth at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from fallback_storage.combined import reads
from fallback_storage.combined.presence import NOWHERE
from fallback_storage.resilience.parallel import THREADS, in_parallel

if TYPE_CHECKING:
    from fallback_storage.combined.base import CombinedStorage

#: The holder of each name, and whether every backend before it could answer.
Found = dict[str, tuple[str, bool]]


def locate(storage: CombinedStorage, name: str) -> str | None:
    """Return the name of the backend that has ``name``, ``None`` if none has it."""
    return locate_many(storage, [name])[name]


def locate_many(storage: CombinedStorage, names: Sequence[str]) -> dict[str, str | None]:
    """Return the name of the backend that has each of ``names``, ``None`` where none has it.

    What is remembered is asked for at once, what is not of several names at a time.
    """
    holders = _remembered(storage, names)
    found = _ask(storage, [name for name in dict.fromkeys(names) if name not in holders])
    if found and storage.presence is not None:
        certain = {name: holder for name, (holder, is_certain) in found.items() if is_certain}
        storage.presence.noticed_many(certain)
    holders |= {name: holder for name, (holder, _) in found.items()}
    return {name: holders[name] or None for name in names}


def _remembered(storage: CombinedStorage, names: Sequence[str]) -> dict[str, str]:
    answers = {NOWHERE, *(backend.name for backend in storage.backends)}
    if storage.presence is None:
        return {}
    remembered = storage.presence.holders(names)
    return {name: holder for name, holder in remembered.items() if holder in answers}


def _ask(storage: CombinedStorage, names: Sequence[str]) -> Found:
    are_remote = any(backend.is_remote for backend in storage.backends)
    threads = THREADS if are_remote and storage.bears_threads else 1
    shares = [names[number::threads] for number in range(min(threads, len(names)))]
    found: Found = {}
    for share in in_parallel([partial(_ask_for_each, storage, share) for share in shares]):
        found |= share
    return found


def _ask_for_each(storage: CombinedStorage, names: Sequence[str]) -> Found:
    found: Found = {}
    for name in names:
        holder, is_certain = reads.find(storage, "locate", name)
        found[name] = NOWHERE if holder is None else holder.name, is_certain
    return found
