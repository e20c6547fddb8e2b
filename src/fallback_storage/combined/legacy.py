"""The times of a file as Django had them before 2.0."""

from __future__ import annotations

from datetime import datetime

from django.core.files.storage import Storage
from django.utils import timezone


class NaiveTimes(Storage):
    """``get_…_time`` as naive local times, under their names of then."""

    def accessed_time(self, name: str) -> datetime:
        """Return ``get_accessed_time`` as a naive local time."""
        return _naive(self.get_accessed_time(name))

    def created_time(self, name: str) -> datetime:
        """Return ``get_created_time`` as a naive local time."""
        return _naive(self.get_created_time(name))

    def modified_time(self, name: str) -> datetime:
        """Return ``get_modified_time`` as a naive local time."""
        return _naive(self.get_modified_time(name))


def _naive(time: datetime) -> datetime:
    if timezone.is_naive(time):
        return time
    return timezone.make_naive(time, timezone.get_default_timezone())
