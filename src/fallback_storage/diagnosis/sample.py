"""A file that a row of the database refers to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.core.files.storage import storages
from django.db.models import FileField


def file_field(label: str) -> FileField:
    """Return the field that ``app.Model.field`` names; ``ValueError`` if there is none."""
    model_label, _, name = label.rpartition(".")
    try:
        field = apps.get_model(model_label)._meta.get_field(name)
    except (LookupError, ValueError, FieldDoesNotExist):
        raise ValueError(f"There is no field {label!r}: write app.Model.field.") from None
    if not isinstance(field, FileField):
        raise ValueError(f"{label} is no FileField.")
    return field


def alias_of(field: FileField, aliases: Iterable[str]) -> str | None:
    """Return which of some aliases of ``STORAGES`` is the storage of a field."""
    for alias in aliases:
        try:
            found = storages[alias]
        except Exception:  # noqa: S112 - one that cannot be built is a finding of its own
            continue
        if field.storage == found:
            return alias
    return None


def random_name(field: FileField) -> str | None:
    """Return the name of the file of a random row, ``None`` where no row has one."""
    rows: Any = field.model._base_manager.exclude(**{field.attname: ""})
    rows = rows.exclude(**{f"{field.attname}__isnull": True}).order_by("?")
    name = rows.values_list(field.attname, flat=True).first()
    return None if name is None else str(name)
