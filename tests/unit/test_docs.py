"""The pages for readers: their code runs, their links lead somewhere, their defaults are true."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from django.core.checks import run_checks
from django.core.files.storage import FileSystemStorage, InMemoryStorage, storages
from django.core.management import get_commands, load_command_class
from django.test import RequestFactory

from fallback_storage.combined.base import CombinedStorage
from fallback_storage.conf.options import BreakerOptions, PresenceOptions, Promotion
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage
from tests.django.override import override_storages

ROOT = Path(__file__).parents[2]
PAGES = [
    *(
        ROOT / name
        for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")
    ),
    *sorted((ROOT / "docs").rglob("*.md")),
]
BLOCK = re.compile(r"^```([\w{}-]*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MEDIA: dict[str, dict[str, Any]] = {
    alias: {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    for alias in ("uploads", "production", "media", "copy", "archive", "staticfiles")
}
#: What a page shows of something else than this package: checked by no test here.
OTHERS = {"nginx", "apache", "{toctree}", "{eval-rst}", "{include}"}


def _blocks(*languages: str) -> list[Any]:
    return list(_each_block(*languages))


def _each_block(*languages: str) -> Iterator[Any]:
    for page in PAGES:
        for number, (language, code) in enumerate(BLOCK.findall(page.read_text())):
            if language in languages:
                yield pytest.param(code, id=f"{page.name}-{number}")


def _text(page: Path) -> str:
    return BLOCK.sub("", page.read_text())


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _text(page), re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {each.strip().replace(" ", "-") for each in words}


def test_every_block_names_a_language_that_is_checked() -> None:
    found = {language for page in PAGES for language, _ in BLOCK.findall(page.read_text())}
    assert found - OTHERS <= {"", "python", "pycon", "console"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", _text(page)):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def _run(code: str, given: dict[str, Any]) -> dict[str, Any]:
    """Run a block, and return the names it defines; what stands inside a mapping is one."""
    code = re.sub(r"^ *\.\.\.,?\n", "", code, flags=re.MULTILINE)  # What the page leaves out.
    code = textwrap.dedent(code)
    try:
        if isinstance(ast.parse(code).body[0], ast.Expr):
            code = f"fragment = {code}"
    except SyntaxError:
        imports, _, entries = code.rpartition("\n\n")
        code = f"{imports}\nfragment = {{{entries}}}"
    names = dict(given)
    exec(compile(code, "<docs>", "exec"), names)  # noqa: S102 - our own docs
    return {name: names[name] for name in names.keys() - given.keys() - {"__builtins__"}}


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What stands around a block: the names that a page explains in words, and the settings."""
    photo = SimpleNamespace(image=SimpleNamespace(name="photos/harbour.jpg"))
    default = {
        "BACKEND": "fallback_storage.storage.FallbackStorage",
        "OPTIONS": {"backends": ["media", {"BACKEND": "copy", "READ_ONLY": True}]},
    }
    with override_storages({**MEDIA, "default": default}):
        yield {
            "Config": Config,
            "TransferConfig": TransferConfig,
            "FallbackStorage": FallbackStorage,
            "FaultyStorage": FaultyStorage,
            "FileSystemStorage": FileSystemStorage,
            "InMemoryStorage": InMemoryStorage,
            "default_storage": storages["default"],
            "page": [photo],
            "pytest": pytest,
            "tmp_path": tmp_path,
        }


@pytest.mark.parametrize("code", _blocks("python"))
def test_code_runs(code: str, surroundings: dict[str, Any], rf: RequestFactory) -> None:
    names = _run(code, surroundings)
    assert names
    if "STORAGES" in names:
        shown = {alias: entry for alias, entry in names["STORAGES"].items() if entry != {...}}
        with override_storages(MEDIA | shown):
            assert isinstance(storages["default"], CombinedStorage)
            assert [each for each in run_checks() if each.is_serious()] == []
    fragment = names.get("fragment", {})
    if "backends" in fragment.get("OPTIONS", {}):
        assert FallbackStorage(**fragment["OPTIONS"]).backends
    if "promote" in fragment:
        assert FallbackStorage(["media"], promote=fragment["promote"]).options.promotion
    if "BACKEND" in fragment:
        assert FallbackStorage([fragment, "media"]).backends[0].name == fragment["BACKEND"]
    if "storage_health" in names:
        assert names["storage_health"](rf.get("/")).status_code == 200


@pytest.mark.parametrize("code", _blocks("", "console"))
def test_every_command_that_is_shown_is_there_and_takes_its_options(code: str) -> None:
    for line in code.splitlines():
        shown = re.fullmatch(r"\$ (?:python )?manage\.py (\w+)(.*)", line)
        if shown is None:
            continue
        name, arguments = shown[1], shown[2].partition("#")[0].split()
        command: Any = load_command_class(get_commands()[name], name)
        assert command.create_parser("manage.py", name).parse_args(arguments)


@pytest.mark.parametrize(
    ("heading", "options"),
    [("promote", Promotion), ("presence", PresenceOptions), ("BREAKER", BreakerOptions)],
)
def test_the_reference_has_the_options_and_defaults_of_the_code(
    heading: str, options: Any
) -> None:
    page = (ROOT / "docs" / "reference.md").read_text()
    section = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    table = dict(re.findall(r"^\| `(\w+)` \| ([^|;]+?)(?:;[^|]*)? \|", section, re.MULTILINE))
    for field in fields(options):
        shown = table.pop(field.name).strip("`")
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        assert (None if shown == "none" else ast.literal_eval(shown)) == default, field.name
    assert table == {}


@pytest.mark.parametrize(
    "picture", sorted((ROOT / "docs").glob("diagrams/*.svg")), ids=lambda path: path.stem
)
def test_no_box_of_a_diagram_is_cut_off(picture: Path) -> None:
    svg = ElementTree.parse(picture).getroot()  # noqa: S314 - our own
    *_, width, height = map(float, svg.attrib["viewBox"].split())
    boxes = [box.attrib for box in svg.iter("{http://www.w3.org/2000/svg}rect")]
    assert boxes
    for box in boxes:
        assert float(box.get("x", 0)) + float(box["width"]) <= width
        assert float(box.get("y", 0)) + float(box["height"]) <= height
