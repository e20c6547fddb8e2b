"""``manage.py storage_doctor``: why a page shows no picture, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import SuspiciousOperation
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError

from fallback_storage.diagnosis.diagnosis import Diagnosis, Questions, diagnose
from fallback_storage.diagnosis.finding import Level
from fallback_storage.diagnosis.sample import alias_of, file_field, random_name
from fallback_storage.management.advice import lines
from fallback_storage.management.arguments import add_aliases, add_json
from fallback_storage.management.combined import refuse_unknown_aliases
from fallback_storage.management.printing import as_json, printable
from fallback_storage.status import combined_storages


class Command(BaseCommand):
    help = (
        "Says why a page shows no picture, and what to do: asks each backend of the combined"
        " storages whether it answers, how fast, whether it may be listed and whether the clocks"
        " agree; with --name or --model, whether a file comes through and its URL answers with"
        " it. Nothing is changed. The exit status is 0 if all is well; 1 if something is wrong; 2"
        " for wrong usage."
    )
    # It has to run when something is wrong.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_aliases(parser)
        files = parser.add_mutually_exclusive_group()
        files.add_argument("--name", help="A file to look for, as a model's field has it.")
        files.add_argument(
            "--model",
            metavar="APP.MODEL.FIELD",
            help="Look for the file of a random row of this FileField.",
        )
        parser.add_argument(
            "--base-url",
            metavar="URL",
            help="Ask relative URLs of this site. Without: of this project's views.",
        )
        parser.add_argument(
            "--check-write",
            action="store_true",
            help="Say whether each backend could be written if this package were not there."
            " Nothing is written.",
        )
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        base_url = options["base_url"]
        if base_url is not None and urlsplit(base_url).scheme not in {"http", "https"}:
            raise CommandError("--base-url must begin with http:// or https://.", returncode=2)
        questions = Questions(options["name"], base_url, options["check_write"])
        known = combined_storages()
        refuse_unknown_aliases(options["aliases"], known)
        aliases: Sequence[str] = list(dict.fromkeys(options["aliases"] or known))
        if options["model"] is not None:
            aliases, name = _sample(options["model"], options["aliases"], aliases)
            questions = replace(questions, name=name)
        try:
            found = [diagnose(alias, known[alias], questions) for alias in aliases]
        except SuspiciousOperation as error:
            raise CommandError(
                f"{questions.name!r} is no name of a file: {error}", returncode=2
            ) from error
        self.stdout.write(_json(found) if options["as_json"] else self._text(found))
        if wrong := [f"{d.alias}/{p.subject}: {p.code}" for d in found for p in d.problems]:
            raise CommandError(printable(f"Not well: {'; '.join(wrong)}."))

    def _text(self, found: Sequence[Diagnosis]) -> str:
        if not found:
            return "STORAGES has no combined storage."
        styles = {
            Level.WELL: self.style.SUCCESS,
            Level.NOTE: self.style.WARNING,
            Level.PROBLEM: self.style.ERROR,
        }
        return "\n".join(line for diagnosis in found for line in lines(diagnosis, styles))


def _sample(label: str, given: Sequence[str], known: Sequence[str]) -> tuple[Sequence[str], str]:
    """Return the aliases to look at, and the name of a random row's file."""
    try:
        field = file_field(label)
    except ValueError as error:
        raise CommandError(str(error), returncode=2) from error
    if not given:
        alias = alias_of(field, known)
        if alias is None:
            raise CommandError(
                f"The storage of {label} is no combined storage of STORAGES.", returncode=2
            )
        known = [alias]
    try:
        name = random_name(field)
    except DatabaseError as error:
        raise CommandError(f"The database could not be asked: {type(error).__name__}.") from error
    if name is None:
        raise CommandError(f"No row of {label} has a file.")
    return known, name


def _json(found: Sequence[Diagnosis]) -> str:
    told = [asdict(each) | {"is_healthy": each.is_healthy} for each in found]
    is_healthy = all(each.is_healthy for each in found)
    return as_json({"is_healthy": is_healthy, "storages": told})
