"""How many requests the pages of applications make, as `make apps` counts them."""

from __future__ import annotations

import subprocess

from .section import Run, Section
from .venvs import ROOT

SECONDS = 600


def measure(run: Run) -> Section:
    """Have `make apps` count, in the environment of the applications."""
    section = Section("Requests of applications' pages")
    run.say("make apps")
    command = ["make", "--silent", "apps", "ARGS=-p no:randomly -k test_requests"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    table = [line for line in done.stdout.splitlines() if line.startswith("|")]
    if done.returncode or not table:
        section.add(f"Not measured: make apps ended with {done.returncode}.\n")
    else:
        section.add(
            "New thumbnails, then known ones; what each page is: `tests/apps/pages.py`.\n",
            "\n".join(table) + "\n",
        )
    return section
