"""How Sphinx builds the site: `make docs`."""

from __future__ import annotations

import sys
from inspect import signature
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.files.storage import Storage
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.inspect import stringify_signature

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent / "src")]

from option_table import rows  # noqa: E402

# The package is imported for its docstrings, and that needs settings.
settings.configure(INSTALLED_APPS=["fallback_storage"])
django.setup()

project = "django-fallback-storage"
author = "The django-fallback-storage authors"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = project
html_static_path: list[str] = []

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"


class OptionTable(SphinxDirective):
    """A table of the options of a class or function, named by its dotted path."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        lines = [".. list-table::", "   :header-rows: 1", ""]
        for row in [("option", "type", "default"), *rows(self.arguments[0])]:
            cells = [cell if row[0] == "option" else f"``{cell}``" for cell in row]
            lines += [f"   {'  ' if i else '* '}- {cell}" for i, cell in enumerate(cells)]
        table = nodes.Element()
        self.state.nested_parse(StringList(lines, self.arguments[0]), self.content_offset, table)
        return table.children


def own_signature(app: Sphinx, kind: str, name: str, target: Any, *_: Any) -> Any:
    """Return the arguments of a storage's ``__init__``; Sphinx would show those of ``__new__``."""
    if kind == "class" and issubclass(target, Storage):
        return stringify_signature(signature(target)), None
    return None


def setup(app: Sphinx) -> None:
    """Register what the pages use."""
    app.connect("autodoc-process-signature", own_signature)
    app.add_directive("option-table", OptionTable)
