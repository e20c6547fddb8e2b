"""What the page about applications says, against the lock that they are installed from."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Under which name each is installed, where that is another.
PROJECTS = {"Django REST framework": "djangorestframework"}


def test_the_applications_versions_are_those_that_are_tested() -> None:
    page = (ROOT / "docs" / "applications.md").read_text()
    stated = dict(re.findall(r"^\| ([\w -]+) \| (\d[\d.]*) \|$", page, re.MULTILINE))
    locked = dict(
        re.findall(
            r"^([\w-]+)==(\S+) (?:;[^\n]*< '3.14' )?\\$",
            (ROOT / "requirements" / "apps.txt").read_text(),
            re.MULTILINE,
        )
    )
    assert len(stated) == 12
    assert stated == {name: locked[PROJECTS.get(name, name.lower())] for name in stated}
