"""What a command prints, for programs and on a terminal."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder


def as_json(told: Any) -> str:
    """Return what a command tells as JSON, times and all."""
    return json.dumps(told, cls=DjangoJSONEncoder, indent=2)


def printable(text: str) -> str:
    """Return a text whose control characters a terminal cannot obey."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
