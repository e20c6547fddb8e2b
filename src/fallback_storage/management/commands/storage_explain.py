"""``manage.py storage_explain``: which backend serves a name, and why."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import DEFAULT_STORAGE_ALIAS
from django.core.exceptions import SuspiciousOperation
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fallback_storage.combined.explain import Explanation
from fallback_storage.management.arguments import add_json
from fallback_storage.management.combined import combined_storage
from fallback_storage.management.printing import as_json


class Command(BaseCommand):
    help = (
        "Asks every backend of a combined storage for a name, and says which one serves it and"
        " why. The exit status is 0 if a backend serves it; 1 if none does, or if that is not"
        " known; 2 for wrong usage."
    )
    # It has to run when something is wrong.
    requires_system_checks: tuple[()] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name", metavar="NAME", help="The name of a file, as a model's field has it."
        )
        parser.add_argument(
            "--storage",
            default=DEFAULT_STORAGE_ALIAS,
            metavar="ALIAS",
            help="A combined storage of STORAGES. Without: %(default)s.",
        )
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        explanation = _explain(options["storage"], options["name"])
        self.stdout.write(as_json(asdict(explanation)) if options["as_json"] else str(explanation))
        if explanation.served_by is None:
            raise CommandError(f"No backend serves {explanation.name!r}.")


def _explain(alias: str, name: str) -> Explanation:
    storage = combined_storage(alias)
    try:
        return storage.explain(name)
    except SuspiciousOperation as error:
        raise CommandError(f"{name!r} is no name of a file: {error}", returncode=2) from error
