"""``python -m example runserver``: Django's commands for the example site."""

from __future__ import annotations

import os

from django.core.management import execute_from_command_line

from example.settings import DATA_DIR

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")
    DATA_DIR.mkdir(parents=True, exist_ok=True)
    execute_from_command_line()
