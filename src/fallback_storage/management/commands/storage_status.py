"""``manage.py storage_status``: how the backends of the combined storages fare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fallback_storage.management.arguments import add_aliases, add_json
from fallback_storage.management.printing import as_json
from fallback_storage.management.table import Cell, Row, aligned
from fallback_storage.resilience.breaker import State
from fallback_storage.status import BackendStatus, Probe, StorageStatus, status

_HEAD = ("NAME", "CLASS", "MODE", "BREAKER", "CALLS", "FAULTS", "STUCK", "THREADS", "TIMEOUT")
_ASKED_NOTHING = "This process has asked nothing yet: --probe asks each backend a live question."
_NONE = "-"


class Command(BaseCommand):
    help = (
        "Shows how the backends of the combined storages fare: mode, circuit breaker, calls,"
        " faults and stuck calls. Breakers and counts are per process, and this one has asked"
        " nothing yet: --probe asks each backend a live question. The exit status is 0 if all is"
        " well; 1 if a breaker is not closed, a probe failed or a storage cannot be built; 2 for"
        " wrong usage."
    )
    # It has to run when something is wrong.
    requires_system_checks: tuple[()] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_aliases(parser)
        parser.add_argument(
            "--probe",
            action="store_true",
            help="Ask each backend whether a file exists that nobody has. A backend without"
            " TIMEOUT takes as long as its client does.",
        )
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = status(options["probe"], options["aliases"] or None)
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(_json(found) if options["as_json"] else self._text(found))
        if ailing := [what for each in found for what in _ailing(each)]:
            raise CommandError(f"Not well: {'; '.join(ailing)}.")

    def _text(self, found: Sequence[StorageStatus]) -> str:
        if not found:
            return "STORAGES has no combined storage."
        backends = [backend for storage in found for backend in storage.backends]
        last = "PROBE" if any(backend.probe for backend in backends) else "LAST ERROR"
        head = [Cell(text, self.style.MIGRATE_HEADING) for text in (*_HEAD, last)]
        lines = [*aligned([head, *(row for storage in found for row in self._rows(storage))])]
        if not any(backend.calls or backend.probe for backend in backends):
            lines += ["", _ASKED_NOTHING]
        return "\n".join(lines)

    def _rows(self, storage: StorageStatus) -> Iterator[Row]:
        name, cls = Cell(storage.alias, self.style.MIGRATE_LABEL), Cell(_last(storage.storage))
        if storage.error is not None:
            yield name, cls, Cell(f"cannot be built: {storage.error}", self.style.ERROR)
            return
        yield name, cls
        for backend in storage.backends:
            yield self._row(backend)

    def _row(self, backend: BackendStatus) -> Row:
        return (
            Cell(f"  {backend.name}"),
            Cell(_last(backend.storage)),
            Cell(backend.mode),
            self._breaker(backend),
            Cell(_or_none(backend.calls)),
            self._bad_unless_zero(backend.faults),
            self._bad_unless_zero(backend.stuck),
            Cell(_or_none(backend.threads)),
            Cell(_NONE if backend.timeout is None else f"{backend.timeout:g} s"),
            self._last_news(backend),
        )

    def _breaker(self, backend: BackendStatus) -> Cell:
        if backend.breaker == State.OPEN:
            left = backend.seconds_left
            until = "forced" if left is None else f"{left:.1f} s"
            return Cell(f"open, {until}", self.style.ERROR)
        style = self.style.WARNING if backend.breaker == State.HALF_OPEN else self.style.SUCCESS
        return Cell(backend.breaker, style) if backend.breaker else Cell(_NONE)

    def _bad_unless_zero(self, number: int | None) -> Cell:
        return Cell(str(number), self.style.ERROR) if number else Cell(_or_none(number))

    def _last_news(self, backend: BackendStatus) -> Cell:
        if backend.probe is None:
            return Cell(_or_none(backend.last_error))
        style = self.style.SUCCESS if backend.probe.is_healthy else self.style.ERROR
        return Cell(_probe(backend.probe), style)


def _json(found: Sequence[StorageStatus]) -> str:
    is_healthy = all(storage.is_healthy for storage in found)
    told = {"is_healthy": is_healthy, "storages": [asdict(storage) for storage in found]}
    return as_json(told)


def _ailing(storage: StorageStatus) -> Iterator[str]:
    if storage.error is not None:
        yield f"{storage.alias} cannot be built: {storage.error}"
    for backend in storage.backends:
        if not backend.is_healthy:
            yield f"{storage.alias}/{backend.name}, {_why(backend)}"


def _why(backend: BackendStatus) -> str:
    if backend.probe is not None and not backend.probe.is_healthy:
        return f"its probe: {_probe(backend.probe)}"
    return f"its breaker is {backend.breaker}"


def _probe(probe: Probe) -> str:
    error = "" if probe.error_type is None else f", {probe.error_type}"
    return f"{probe.outcome} ({probe.seconds * 1000:.1f} ms{error})"


def _last(dotted_path: str) -> str:
    return dotted_path.rpartition(".")[2]


def _or_none(value: object) -> str:
    return _NONE if value is None else str(value)
