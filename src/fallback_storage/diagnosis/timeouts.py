"""What bounds a call of a backend while its server does not answer."""

from __future__ import annotations

from fallback_storage.backend.backend import Backend
from fallback_storage.diagnosis.finding import Findings, note, well


def timeouts(backend: Backend) -> Findings:
    """Look at the TIMEOUT of a backend, and at its client's own; nobody is asked."""
    timeout = None if backend.guard is None else backend.guard.timeout
    client, bounded = backend.adapter.client, _has_client_timeouts(backend)
    advice = f"Its client's own: {client.advice}." if client and client.advice else ""
    if timeout is not None:
        yield well("timeout", backend.name, f"TIMEOUT {timeout:g} s")
    elif bounded:
        yield well("timeout", backend.name, "its client has timeouts")
    elif client is not None:
        yield note(
            "no-timeout",
            backend.name,
            f"has no timeout: while its server does not answer each call hangs {client.hangs}",
            f"Give it a TIMEOUT. {advice}".rstrip(),
        )
    if timeout is not None and client and advice and not bounded and not backend.read_only:
        yield note(
            "unbounded-write",
            backend.name,
            f"TIMEOUT does not bound a write: without an answer it hangs {client.hangs}",
            advice,
        )


def _has_client_timeouts(backend: Backend) -> bool:
    storage = backend.storage
    return backend.adapter.has_timeouts(lambda option, setting: getattr(storage, option, None))
