"""What a person is told of changes: a line for each, and their sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.template.defaultfilters import filesizeformat

from fallback_storage.management.printing import printable
from fallback_storage.overlay.changes import Change, Kind


def line(change: Change) -> str:
    """Return a line about a change."""
    modified = "" if change.modified is None else f"{change.modified:%Y-%m-%d %H:%M}"
    below = f"  ({change.below}: {_size(change.size_below)})" if change.below else ""
    said = f"{change.kind:<9} {_size(change.size):>10}  {modified:<16}  "
    return f"{said}{printable(change.name)}{below}"


def totals(changes: Sequence[Change]) -> dict[str, dict[str, int]]:
    """Return how many changes there are of each kind, and their bytes in the first backend."""
    counts = Counter(change.kind for change in changes)
    sizes: Counter[Kind] = Counter()
    for change in changes:
        sizes[change.kind] += change.size or 0
    return {str(kind): {"count": counts[kind], "bytes": sizes[kind]} for kind in sorted(counts)}


def summary(changes: Sequence[Change]) -> str:
    """Return the same as a text."""
    parts = []
    for kind, total in totals(changes).items():
        size = f" ({_size(total['bytes'])})" if total["bytes"] else ""
        parts.append(f"{total['count']} {kind}{size}")
    return ", ".join(parts)


def _size(size: int | None) -> str:
    return "" if size is None else str(filesizeformat(size)).replace("\xa0", " ")
