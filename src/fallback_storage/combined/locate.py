"""Which backend holds each of many names: a page's worth at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from fallback_storage.combined.attempts import served
from fallback_storage.combined.members import Members
from fallback_storage.combined.presence import NOWHERE
from fallback_storage.combined.reads import first_with, refuse_ignorance
from fallback_storage.resilience.parallel import THREADS, in_parallel


def locate(members: Members, name: str) -> str | None:
    """Return the name of the backend that has ``name``, ``None`` if none has it."""
    return locate_many(members, [name])[name]


def locate_many(members: Members, names: Sequence[str]) -> dict[str, str | None]:
    """Return the name of the backend that has each of ``names``, ``None`` where none has it.

    What is remembered is asked for at once, what is not of several names at a time.
    """
    holders = _remembered(members, names)
    holders |= _ask(members, [name for name in dict.fromkeys(names) if name not in holders])
    return {name: holders[name] or None for name in names}


def _remembered(members: Members, names: Sequence[str]) -> dict[str, str]:
    answers = {NOWHERE, *(backend.name for backend in members.backends)}
    if members.presence is None:
        return {}
    remembered = members.presence.holders(names)
    return {name: holder for name, holder in remembered.items() if holder in answers}


def _ask(members: Members, names: Sequence[str]) -> dict[str, str]:
    are_remote = any(backend.is_remote for backend in members.backends)
    threads = THREADS if are_remote and members.thread_safe else 1
    shares = [names[number::threads] for number in range(min(threads, len(names)))]
    found: dict[str, str] = {}
    for share in in_parallel([partial(_ask_for_each, members, share) for share in shares]):
        found |= share
    return found


def _ask_for_each(members: Members, names: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        holder, attempts = first_with(members, "locate", name, members.backends)
        if holder is None:
            refuse_ignorance(members, attempts, may_skip=True)
        elif attempts is not None:
            served(members, attempts, "locate", name, holder)
        found[name] = NOWHERE if holder is None else holder.name
        if attempts is not None:
            attempts.notice(found[name])
    return found
