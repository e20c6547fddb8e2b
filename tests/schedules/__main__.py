"""Play all schedules of two operations in a world, or one, step by step.

    python -m tests.schedules WORLD OPERATION,OPERATION [SCHEDULE [EXTRAS]]

The schedule "all" plays all; the extras are what else may become of a step: x, f or t.
"""

from __future__ import annotations

import os
import sys

import django


def main(world: str, operations: str, schedule: str = "all", extras: str = "") -> None:
    from . import reports

    reports.play(world, operations, schedule, extras, sys.stdout.write)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    main(*sys.argv[1:])
