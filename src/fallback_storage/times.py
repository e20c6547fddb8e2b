"""Times, which a storage gives with a zone or without one, as ``USE_TZ`` says."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone


def aware(time: datetime) -> datetime:
    """Return a time with its zone; one without is in the current one."""
    return time if timezone.is_aware(time) else timezone.make_aware(time)
