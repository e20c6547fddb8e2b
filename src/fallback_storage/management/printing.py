"""What a command prints for programs."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder


def as_json(told: Any) -> str:
    """Return what a command tells as JSON, times and all."""
    return json.dumps(told, cls=DjangoJSONEncoder, indent=2)
