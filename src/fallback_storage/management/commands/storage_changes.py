"""``manage.py storage_changes``: what an overlay changed, and how to take it back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from django.conf import DEFAULT_STORAGE_ALIAS
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from fallback_storage.management.ages import age
from fallback_storage.management.arguments import add_json
from fallback_storage.management.combined import combined_storage
from fallback_storage.management.printing import as_json
from fallback_storage.management.summary import line, summary, totals
from fallback_storage.overlay.changes import Change, Changes, Kind
from fallback_storage.overlay.storage import Overlay
from fallback_storage.overlay.undo import Undo, Undone
from fallback_storage.times import aware

#: What a write that still goes on may be as old as.
_DAY = timedelta(days=1)
#: After how many names somebody who waits is told.
_MANY = 1_000


class Command(BaseCommand):
    help = (
        "Lists what an OverlayStorage changed: files that were added, that shadow one below, that"
        " are deleted (hidden by a whiteout), and promoted copies that are still the same as"
        " below. The options take changes back; no backend but the first is written. Without"
        " --yes each asks first. The exit status is 0 if all is well; 1 if a backend could not"
        " answer or a change was kept; 2 for wrong usage."
    )
    # It has to run when something is wrong.
    requires_system_checks: tuple[()] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--storage",
            default=DEFAULT_STORAGE_ALIAS,
            metavar="ALIAS",
            help="An OverlayStorage of STORAGES. Without: %(default)s.",
        )
        _add_actions(parser)
        parser.add_argument(
            "--older-than",
            type=age,
            metavar="30d",
            help="Of --prune-promoted and --sweep: only what is as old (m, h, d, w).",
        )
        parser.add_argument("--yes", action="store_true", help="Do not ask.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be done.")
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        action = _action(options)
        overlay = combined_storage(options["storage"])
        if not isinstance(overlay, Overlay):
            raise CommandError(
                f"{options['storage']!r} is no OverlayStorage: only an overlay has changes.",
                returncode=2,
            )
        changes = Changes(overlay.members)
        found = self._found(changes, show=not (action or options["as_json"]))
        if action is None:
            self._list(found, options)
        else:
            self._act(action, _chosen(action, found, options), overlay, changes, options)
            if action == "prune":
                _refuse_unknown(found)

    def _act(
        self,
        action: str,
        chosen: Sequence[Change],
        overlay: Overlay,
        changes: Changes,
        options: dict[str, Any],
    ) -> None:
        if not options["as_json"]:
            for change in chosen:
                self.stdout.write(line(change))
        if options["dry_run"] or not chosen:
            self._plan(action, chosen, options)
            return
        if not options["yes"]:
            self._ask(f"{_DONE[action][0]} {summary(chosen)}")
        undo: Callable[[Change], Undone] = getattr(Undo(overlay.members, changes), action)
        self._report(action, [undo(change) for change in chosen], options)

    def _found(self, changes: Changes, *, show: bool) -> list[Change]:
        """Look at every change, and print each as it is found."""
        found = []
        try:
            for change in changes:
                found.append(change)
                if show:
                    self.stdout.write(line(change))
                elif len(found) % _MANY == 0:
                    self.stderr.write(f"{len(found)} changes found ...")
        except Exception as error:  # Its own words can hold credentials.
            raise CommandError(
                f"The first backend could not be listed: {type(error).__name__}."
            ) from error
        return found

    def _list(self, found: Sequence[Change], options: dict[str, Any]) -> None:
        if options["as_json"]:
            self.stdout.write(as_json({"changes": [*map(asdict, found)], "totals": totals(found)}))
        else:
            self.stdout.write(summary(found) or "Nothing is changed.")
        _refuse_unknown(found)

    def _plan(self, action: str, chosen: Sequence[Change], options: dict[str, Any]) -> None:
        if options["as_json"]:
            self.stdout.write(as_json({"would": [*map(asdict, chosen)], "totals": totals(chosen)}))
        elif chosen:
            self.stdout.write(f"Would be {_DONE[action][1].lower()}: {summary(chosen)}.")
        else:
            self.stdout.write(f"Nothing is to be {_DONE[action][1].lower()}.")

    def _ask(self, what: str) -> None:
        if not sys.stdin.isatty():
            raise CommandError("Nobody is there to answer: add --yes.", returncode=2)
        if input(f"{what}? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was changed.")

    def _report(self, action: str, undone: Sequence[Undone], options: dict[str, Any]) -> None:
        done = [each.change for each in undone if each.kept is None]
        kept = [each for each in undone if each.kept is not None]
        if options["as_json"]:
            why = [asdict(each.change) | {"why": each.kept} for each in kept]
            told = {"done": [*map(asdict, done)], "kept": why, "totals": totals(done)}
            self.stdout.write(as_json(told))
        else:
            for each in kept:
                self.stderr.write(f"Kept {each.change.name!r}: {each.kept}.")
            self.stdout.write(f"{_DONE[action][1]}: {summary(done) or 'nothing'}.")
        if kept:
            raise CommandError(f"{len(kept)} kept.")


def _add_actions(parser: CommandParser) -> None:
    actions = parser.add_mutually_exclusive_group()
    actions.add_argument(
        "--discard",
        nargs="+",
        metavar="NAME",
        help="Take changes back: delete the file of the first backend and the whiteout, so"
        " that the file below shows again. An added file is gone then. Shell patterns; *"
        " matches / too.",
    )
    actions.add_argument(
        "--restore",
        nargs="+",
        metavar="NAME",
        help="Remove whiteouts: the deleted file below shows again. Shell patterns.",
    )
    actions.add_argument(
        "--prune-promoted",
        action="store_true",
        help="Delete promoted copies that have the content of the file below, which is read"
        " again for each.",
    )
    actions.add_argument(
        "--sweep",
        action="store_true",
        help="Delete temporary files that killed processes left, a day old or older.",
    )


#: How an action is asked for, and told.
_DONE = {
    "discard": ("Discard", "Discarded"),
    "restore": ("Restore", "Restored"),
    "prune": ("Delete", "Deleted"),
    "sweep": ("Delete", "Deleted"),
}
#: Which take names.
_BY_NAME = ("discard", "restore")


def _action(options: dict[str, Any]) -> str | None:
    flags = {"prune": "prune_promoted"}
    action = next((each for each in _DONE if options[flags.get(each, each)]), None)
    if options["older_than"] and action not in ("prune", "sweep"):
        raise CommandError("--older-than needs --prune-promoted or --sweep.", returncode=2)
    if action and options["as_json"] and not (options["yes"] or options["dry_run"]):
        raise CommandError("--json cannot ask: add --yes or --dry-run.", returncode=2)
    return action


def _refuse_unknown(found: Sequence[Change]) -> None:
    unknown = sum(change.kind is Kind.UNKNOWN for change in found)
    if unknown:
        raise CommandError(f"Of {unknown} it is not known: a backend did not answer.")


def _chosen(action: str, found: Sequence[Change], options: dict[str, Any]) -> list[Change]:
    if action in _BY_NAME:
        return [*_matching(action, options[action], found)]
    now, least = aware(timezone.now()), options["older_than"]
    if action == "prune":
        copies = [each for each in found if each.kind is Kind.PROMOTED]
        return [each for each in copies if least is None or _is_as_old(each.stored, now - least)]
    leftovers = [each for each in found if each.kind is Kind.LEFTOVER]
    latest = now - (_DAY if least is None else least)
    return [each for each in leftovers if _is_as_old(each.modified, latest)]


def _matching(action: str, patterns: Sequence[str], found: Sequence[Change]) -> Iterator[Change]:
    """Give what may be taken back and matches; every pattern must match something."""
    able = [
        each
        for each in found
        if each.kind is not Kind.LEFTOVER and (each.is_hidden or action == "discard")
    ]
    for pattern in patterns:
        if not any(_matches(each, pattern) for each in able):
            what = "whiteout" if action == "restore" else "change"
            raise CommandError(f"No {what} matches {pattern!r}. Nothing was done.", returncode=2)
    yield from (each for each in able if any(_matches(each, p) for p in patterns))


def _matches(change: Change, pattern: str) -> bool:
    return change.name == pattern or fnmatchcase(change.name, pattern)


def _is_as_old(time: datetime | None, latest: datetime) -> bool:
    """Return whether a time is not after ``latest``; of some files it is not known."""
    return time is not None and aware(time) <= latest
