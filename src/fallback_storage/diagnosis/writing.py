"""Whether a backend could be written if this package were not there."""

from __future__ import annotations

from fallback_storage.backend.backend import Backend
from fallback_storage.backend.permission import Permission, Writing
from fallback_storage.diagnosis.finding import Findings, note, problem, well


def writing(backend: Backend) -> Findings:
    """Ask a backend for its permission to write; nothing is written."""
    try:
        permission: Permission = backend.inspect(backend.adapter.write_permission)
    except Exception as error:
        evidence = f"{backend.outcome_of(error)}, {type(error).__name__}"
        permission = Permission(Writing.UNKNOWN, evidence)
    says = f"{permission.writing} ({permission.evidence})"
    if permission.writing is Writing.UNKNOWN:
        yield note("write-not-known", backend.name, f"write permission {says}")
    elif permission.writing is Writing.CAN and backend.read_only:
        yield problem(
            "can-write",
            backend.name,
            says,
            "This package writes nothing there, other code with these settings can. Use"
            " credentials that can only read.",
        )
    elif permission.writing is Writing.NOT_SEEN and not backend.read_only:
        yield problem(
            "cannot-write",
            backend.name,
            says,
            "Uploads fail. Give this process, or its credentials, the permission to write there.",
        )
    else:
        code = "can-write" if permission.writing is Writing.CAN else "no-write"
        yield well(code, backend.name, says)
