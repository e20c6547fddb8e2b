"""``manage.py storage_explain``: which backend serves a name, and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, cast

from django.conf import DEFAULT_STORAGE_ALIAS
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.core.files.storage import storages
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from fallback_storage.combined.base import CombinedStorage
from fallback_storage.combined.explain import Explanation
from fallback_storage.conf import refuse_unknown
from fallback_storage.status import combined_storages


class Command(BaseCommand):
    help = (
        "Asks every backend of a combined storage for a name, and says which one serves it and"
        " why. The exit status is 0 if a backend serves it; 1 if none does, or if that is not"
        " known; 2 for wrong usage."
    )
    # It has to run when something is wrong.
    requires_system_checks = ()

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
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="Print JSON, and nothing else."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        explanation = _explain(options["storage"], options["name"])
        self.stdout.write(_json(explanation) if options["as_json"] else str(explanation))
        if explanation.served_by is None:
            raise CommandError(f"No backend serves {explanation.name!r}.")


def _explain(alias: str, name: str) -> Explanation:
    storage = _combined(alias)
    try:
        return storage.explain(name)
    except SuspiciousOperation as error:
        raise CommandError(f"{name!r} is no name of a file: {error}", returncode=2) from error


def _combined(alias: str) -> CombinedStorage:
    known = combined_storages()
    if not known:
        raise CommandError("STORAGES has no combined storage.", returncode=2)
    try:
        refuse_unknown([alias], known, "STORAGES", "combined storage")
    except ImproperlyConfigured as error:
        raise CommandError(str(error), returncode=2) from error
    try:
        storage = cast(CombinedStorage, storages[alias])
        storage.backends  # noqa: B018 - it is built on first use.
    except Exception as error:  # Whatever a storage raises when built.
        raise CommandError(
            f"{alias!r} cannot be built: {type(error).__name__}. manage.py check may tell why."
        ) from error
    return storage


def _json(explanation: Explanation) -> str:
    return json.dumps(asdict(explanation), cls=DjangoJSONEncoder, indent=2)
