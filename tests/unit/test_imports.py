"""Imports run one way: errors, names -> conf -> … -> management."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import fallback_storage

ROOT = Path(fallback_storage.__file__).parent
ORDER = [
    *("errors", "names", "outcomes", "signals", "locks", "deconstruction", "conf"),
    *("resilience", "backend", "combined", "overlay", "storage"),
    *("status", "checks", "apps", "management"),
]
APART = {
    # The test kit is for any storage: it knows none of this package's.
    "testing": {"testing"},
    # A storage like any other, which a combined one uses and does not know.
    "http": {"errors", "names", "deconstruction", "conf", "backend", "http"},
}


def rooms_imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "fallback_storage":
            names = [f"fallback_storage.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [str(node.module)]
        for name in names:
            if name.startswith("fallback_storage."):
                yield name.split(".")[1]


def room(module: Path) -> str:
    return module.relative_to(ROOT).parts[0].removesuffix(".py")


def modules() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "__init__.py"]


def test_every_room_has_its_place_in_the_order() -> None:
    assert {room(module) for module in modules()} == {*ORDER, *APART}


def test_imports_run_one_way() -> None:
    for module in modules():
        own = room(module)
        allowed = APART.get(own) or set(ORDER[: ORDER.index(own) + 1])
        assert set(rooms_imported(module)) <= allowed, module


def test_no_module_is_longer_than_a_screen_of_promises() -> None:
    for module in modules():
        assert len(module.read_text().splitlines()) <= 250, module
