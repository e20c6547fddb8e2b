"""The client library of a remote storage."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    """The client library of a remote storage; without ``option`` it has no timeouts of its own.

    ``hangs`` is how long a call takes with the defaults while its server does not answer, as
    measured. ``option`` and ``setting`` hold the timeouts, which are the ``keys`` there, unless
    ``overridden_by`` another option; ``advice`` says what to write.
    """

    hangs: str
    option: str = ""
    setting: str = ""
    keys: tuple[str, ...] = ()
    advice: str = ""
    overridden_by: tuple[str, str] | None = None
