"""The tables of options in the docs: names, types and defaults as the code has them."""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from django.utils.module_loading import import_string

Row = tuple[str, str, str]


def rows(path: str) -> list[Row]:
    """Return name, type and default of each option of the class or function at a dotted path."""
    target = import_string(path)
    if is_dataclass(target):
        return [(each.name, _type(each.type), _field_default(each)) for each in fields(target)]
    found = [_parameter_row(each) for each in _parameters(target)]
    names = {name for name, _, _ in found}
    policies = getattr(target, "policies", {}).items()
    choices = {name: values for name, values in policies if len(values) > 1}
    unnamed = {name: values for name, values in choices.items() if name not in names}
    found += [(name, "str", _text(values[0])) for name, values in unnamed.items()]
    return [(name, _choice(choices.get(name), kind), default) for name, kind, default in found]


def _parameters(target: Any) -> list[inspect.Parameter]:
    return [
        each
        for each in inspect.signature(target).parameters.values()
        if each.kind is not inspect.Parameter.VAR_KEYWORD and each.name not in {"request", "path"}
    ]


def _parameter_row(parameter: inspect.Parameter) -> Row:
    required = parameter.default is inspect.Parameter.empty
    default = "required" if required else _text(parameter.default)
    return parameter.name, _type(parameter.annotation), default


def _field_default(field: Any) -> str:
    if field.default is not MISSING:
        return _text(field.default)
    return "required" if field.default_factory is MISSING else _text(field.default_factory())


def _text(value: object) -> str:
    if value is time.monotonic:
        return "time.monotonic"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _type(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return str(text).replace("typing.", "")


def _choice(values: Sequence[str] | None, kind: str) -> str:
    return kind if values is None else " | ".join(f'"{value}"' for value in values)
