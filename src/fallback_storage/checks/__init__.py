"""System checks: one function and one id for each finding. They build no storage and never raise.

Every combined storage that the settings or a model's field name is looked at.
"""

from __future__ import annotations

from django.core import checks

from fallback_storage.checks import configuration, media, outages, presence

ERRORS = (*configuration.ERRORS, *presence.ERRORS)
WARNINGS = (
    *(*configuration.WARNINGS, *media.WARNINGS),
    *(*outages.WARNINGS, *presence.WARNINGS),
)


def register() -> None:
    """Register every check with Django's ``files``."""
    for check in ERRORS + WARNINGS:
        checks.register(check, checks.Tags.files)
