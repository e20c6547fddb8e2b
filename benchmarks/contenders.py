"""Who is measured: the storage by itself, this package, and what else a user could pick."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from . import venvs


@dataclass(frozen=True)
class Environment:
    """What a process imports. Contenders with the same one share a process, and are compared."""

    name: str
    python: Callable[[], Path]
    #: What its path begins with.
    imports: Callable[[], Path] = lambda: venvs.SOURCE


OWN = Environment("own", lambda: Path(sys.executable))
DJANGO_42 = Environment("Django 4.2", partial(venvs.interpreter, "django42"))
WITH_ORIGINAL = Environment("the original", DJANGO_42.python, partial(venvs.packages, "original"))
HTTP = Environment("HTTP", partial(venvs.interpreter, "http"))
#: It reads where the files are from the settings, once.
HTTP_OF_ITS_OWN = replace(HTTP, name="HTTP, by settings")


@dataclass(frozen=True)
class Contender:
    """One way to have the files: how its storages are built, and with which options."""

    label: str
    #: Which of the builders in `storages.py`.
    recipe: str
    environment: Environment = OWN
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    #: Whether a page asks for the places of all its names first.
    locates: bool = False
    #: Seconds after which a page of 200 names is broken off.
    patience: float = 15.0

    @property
    def is_bare(self) -> bool:
        return self.recipe == "bare"


_PRESENCE = {"presence": {"cache": "default", "found": 3600, "missing": 60}}

OURS = "this package"
BARE = Contender("bare storage", "bare")
FALLBACK = Contender(OURS, "fallback")
PRESENCE = Contender(f"{OURS}, presence", "fallback", options=_PRESENCE, locates=True)
OVERLAY = Contender(f"{OURS}, overlay", "overlay")

BARE_42 = replace(BARE, environment=DJANGO_42)
FALLBACK_42 = replace(FALLBACK, environment=DJANGO_42)
ORIGINAL = Contender("django-fallback-storage 1.1.1", "original", WITH_ORIGINAL, patience=3.0)

BARE_HTTP = Contender("the directory alone", "bare", HTTP)
OVERLAY_HTTP = Contender(OURS, "overlay", HTTP)
PROMOTING_HTTP = Contender(f"{OURS}, promote", "overlay", HTTP, {"promote": True})
HTTP_FALLBACK = Contender("django-http-fallback-storage 1.6", "http-fallback", HTTP_OF_ITS_OWN)
LOCALDEV = Contender("django-localdevstorage 0.5", "localdev", HTTP)
