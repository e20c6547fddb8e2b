"""Imports run one way, from errors and names to management, and never in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import fallback_storage

ROOT = Path(fallback_storage.__file__).parent
ORDER = [
    *(
        "errors",
        "names",
        "times",
        "statuses",
        "outcomes",
        "signals",
        "negative_cache",
        "locks",
        "file_locks",
        "deconstruction",
        "conf",
    ),
    *("resilience", "backend", "combined", "overlay", "storage"),
    *("status", "serving", "views", "checks", "diagnosis", "apps", "management"),
]
APART = {
    # The test kit is for any storage: it knows none of this package's.
    "testing": {"testing"},
    # A storage like any other, which a combined one uses and does not know.
    "http": {"errors", "names", "negative_cache", "deconstruction", "conf"}
    | {"resilience", "backend", "http"},
}
#: A module, and those of this package that it imports, for types alone too.
Graph = Mapping[str, set[str]]


def imported(source: str, package: str) -> Iterator[str]:
    """Every name that a module's import statements give, wherever they stand in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - max(node.level - 1, 0)]
            base = [*(parents if node.level else []), *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def dotted(path: Path, root: Path) -> str:
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def graph_of(root: Path) -> Graph:
    """What each module below ``root`` imports of the others."""
    paths = {dotted(path, root): path for path in sorted(root.rglob("*.py"))}
    graph: dict[str, set[str]] = {}
    for module, path in paths.items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        graph[module] = set()
        for name in imported(path.read_text(), package):
            target = name if name in paths else name.rpartition(".")[0]
            if target in paths and target != module:
                graph[module].add(target)
    return graph


def circle_in(graph: Graph) -> list[str] | None:
    """A way from a module back to itself, if there is one."""
    done: set[str] = set()

    def visit(module: str, way: list[str]) -> list[str] | None:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return None
        for target in sorted(graph[module]):
            if found := visit(target, [*way, module]):
                return found
        done.add(module)
        return None

    return next((found for module in graph if (found := visit(module, []))), None)


def room(module: str) -> str:
    return module.split(".")[1]


def modules() -> Graph:
    return {m: found for m, found in graph_of(ROOT).items() if m != "fallback_storage"}


def test_every_room_has_its_place_in_the_order() -> None:
    assert {room(module) for module in modules()} == {*ORDER, *APART}


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_from_rooms_before_its_own(module: str) -> None:
    own = room(module)
    allowed = APART.get(own) or set(ORDER[: ORDER.index(own) + 1])
    assert {room(target) for target in modules()[module]} <= allowed


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle_in(modules()) is None


def test_a_circle_for_types_alone_is_found(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "base.py").write_text("from package import reads\n")
    (package / "reads.py").write_text("from .attempts import Attempts\n")
    (package / "attempts.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from package.base import CombinedStorage\n"
    )
    assert circle_in(graph_of(package)) == [
        *("package.attempts", "package.base", "package.reads", "package.attempts")
    ]


def test_no_module_is_longer_than_250_lines() -> None:
    for path in ROOT.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 250, path


def test_no_function_is_longer_than_40_lines() -> None:
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= 40, (path, node.name, length)
