"""Questions whose *missing* is an answer."""

from __future__ import annotations

from collections.abc import Callable

from fallback_storage.outcomes import Outcome, classify


def is_found(ask: Callable[[], object]) -> bool:
    """Ask a server for a file; return ``False`` where it says *missing*, and raise the rest."""
    try:
        ask()
    except Exception as error:
        if classify(error) is Outcome.MISSING:
            return False
        raise
    return True
