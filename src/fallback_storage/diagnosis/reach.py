"""Whether a backend answers, how fast, and whether it may be listed."""

from __future__ import annotations

from collections.abc import Callable

from fallback_storage.backend.adapters.base import PROBE
from fallback_storage.backend.backend import Backend
from fallback_storage.diagnosis.finding import Finding, Findings, note, problem, well
from fallback_storage.outcomes import Outcome
from fallback_storage.status import Probe, probe_backend
from fallback_storage.statuses import service_code

#: How many seconds a warm answer may take where no TIMEOUT says more.
SLOW = 1.0

_ADVICE = {
    Outcome.UNREACHABLE: "Is its server up, and the address right? Try that address from here.",
    Outcome.DENIED: "Check its credentials. S3 without ListBucket says this of a missing file:"
    " set DENIED_IS_MISSING.",
    Outcome.FAILED: "Check the name of its bucket, container or directory.",
    Outcome.REJECTED: "Check its OPTIONS. manage.py check may tell more.",
}
# What services call a mistake that has a remedy of its own.
_BY_CODE = {
    "AuthenticationFailed": "Check its account key or SAS, and this machine's clock.",
    "ContainerNotFound": "Check the name of its container.",
    "ExpiredToken": "Its credentials are too old: get new ones.",
    "InvalidAccessKeyId": "Its server does not know the access key: check it.",
    "NoSuchBucket": "Check the name of its bucket, and the region.",
    "RequestTimeTooSkewed": "Set this machine's clock.",
    "SignatureDoesNotMatch": "The secret key does not belong to the access key: check it.",
}


def reach(backend: Backend, clock: Callable[[], float]) -> Findings:
    """Ask a backend for a file that nobody has, cold and warm, and list a directory of none."""
    cold = probe_backend(backend, clock)
    if cold.outcome == Outcome.UNREACHABLE:
        yield _unwell(backend, cold, None)
        return
    refusal = _refusal_to_list(backend)
    if not cold.is_healthy:
        yield _unwell(backend, cold, refusal)
        return
    yield _answered(backend, cold, probe_backend(backend, clock))
    yield _listed(backend, refusal)


def _refusal_to_list(backend: Backend) -> Exception | None:
    """Return what listing a directory raises that nobody has, ``None`` where it may be listed."""
    try:
        backend.listdir(PROBE)
    except Exception as error:
        return None if backend.outcome_of(error) is Outcome.MISSING else error
    return None


def _unwell(backend: Backend, probe: Probe, refusal: Exception | None) -> Finding:
    outcome = Outcome(probe.outcome)
    code, advice = _remedy(outcome, refusal)
    said = ", ".join(each for each in (probe.error_type, code) if each)
    return problem(
        outcome, backend.name, f"{outcome} ({said}, {_milliseconds(probe.seconds)})", advice
    )


def _answered(backend: Backend, cold: Probe, warm: Probe) -> Finding:
    if not warm.is_healthy:
        return _unwell(backend, warm, None)
    timeout = None if backend.guard is None else backend.guard.timeout
    most = SLOW if timeout is None else timeout / 2
    says = f"answers in {_milliseconds(cold.seconds)}, then {_milliseconds(warm.seconds)}"
    if warm.seconds <= most:
        return well("answers", backend.name, says)
    advice = "Is it far away, or busy? presence remembers which backend holds a file."
    return note("slow", backend.name, says, advice)


def _listed(backend: Backend, refusal: Exception | None) -> Finding:
    if refusal is None:
        return well("lists", backend.name, "may be listed")
    outcome = backend.outcome_of(refusal)
    if outcome is Outcome.UNSUPPORTED:
        return note("no-listing", backend.name, "has no listing: listdir() raises.")
    code, advice = _remedy(outcome, refusal)
    if outcome is Outcome.DENIED and code is None:
        advice = "listdir() raises. Give its credentials the right to list (ListBucket)."
        return note("may-not-list", backend.name, "may not be listed", advice)
    says = f"could not be listed: {outcome} ({code or type(refusal).__name__})"
    return problem("listing-failed", backend.name, says, advice)


def _remedy(outcome: Outcome, error: Exception | None) -> tuple[str | None, str]:
    """Return the service's word for an error, if it is a known one, and what to do."""
    code = None if error is None else service_code(error)
    if isinstance(code, str) and code in _BY_CODE:  # Another one can hold anything.
        return code, _BY_CODE[code]
    return None, _ADVICE.get(outcome, _ADVICE[Outcome.UNREACHABLE])


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
