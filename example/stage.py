"""What the example runs on: a production full of pictures, and a site that is set up for it."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import django

from example.bucket import Bucket
from example.pictures import Picture, pictures
from example.production import Production
from example.website import Website

PRODUCTIONS: dict[str, type[Production]] = {"s3": Bucket, "http": Website}


class Stage(NamedTuple):
    """A running production, the folder of local files, and what production holds."""

    production: Production
    media: Path
    pictures: list[Picture]


@contextmanager
def stage() -> Iterator[Stage]:
    """Start production, fill it, and set Django up; all of it is gone afterwards."""
    # As Ctrl-C does: what was started is stopped, what was written is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("The example was stopped."))
    forget_the_real_cloud()
    drawn = list(pictures())
    with tempfile.TemporaryDirectory(prefix="example-") as data, _production() as production:
        for picture in drawn:
            production.put(picture)
        os.environ |= production.environment()
        os.environ |= {"EXAMPLE_DATA": data, "DJANGO_SETTINGS_MODULE": "example.settings"}
        django.setup()
        yield Stage(production, Path(data, "uploads"), drawn)


def forget_the_real_cloud() -> None:
    """Whoever runs this may be logged in somewhere, or sit behind a proxy."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"


def _production() -> Production:
    kind = os.environ.get("EXAMPLE_PRODUCTION", "s3")
    if kind not in PRODUCTIONS:
        sys.exit(f"EXAMPLE_PRODUCTION={kind}: it is one of {', '.join(PRODUCTIONS)}.")
    return PRODUCTIONS[kind]()
