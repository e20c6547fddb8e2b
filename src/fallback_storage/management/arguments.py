"""Arguments that several commands take."""

from __future__ import annotations

from django.core.management.base import CommandParser


def add_aliases(parser: CommandParser) -> None:
    parser.add_argument(
        "aliases",
        nargs="*",
        metavar="ALIAS",
        help="A combined storage of STORAGES. Without any: all of them.",
    )


def add_json(parser: CommandParser) -> None:
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="Print JSON, and nothing else."
    )
