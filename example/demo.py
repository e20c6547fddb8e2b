"""``python -m example.demo``: the example site's main job, run for real and told in a dozen lines.

Exits with 0 only if all of it happened.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import textwrap
import time
import traceback
from pathlib import Path
from typing import Any

import django

from example.claims import Untrue
from example.pictures import pictures
from example.production import Production
from example.weed import SeaweedFSError

LAYOUT: dict[str, Any] = {"width": 100, "subsequent_indent": " " * 4, "break_on_hyphens": False}


def main() -> int:
    # As Ctrl-C does: what was started is stopped, what was written is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("The demo was stopped."))
    forget_the_real_cloud()
    begin = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="example-") as data, Production() as production:
            run(Path(data), production)
    except Exception as error:
        return failed(error)
    print(f"All of it happened, and was checked. {time.monotonic() - begin:.1f} s.")
    return 0


def forget_the_real_cloud() -> None:
    """Whoever runs this may be logged in somewhere, or sit behind a proxy."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"


def run(data: Path, production: Production) -> None:
    drawn = list(pictures())
    for picture in drawn:
        production.put(picture)
    configure(data, production)
    from example.story import Story  # models need Django set up

    for number, sentence in enumerate(Story(production, data / "uploads", drawn).tell(), 1):
        print(textwrap.fill(sentence, initial_indent=f"{number:2}. ", **LAYOUT), flush=True)


def configure(data: Path, production: Production) -> None:
    os.environ |= production.environment()
    os.environ |= {"EXAMPLE_DATA": str(data), "DJANGO_SETTINGS_MODULE": "example.settings"}
    django.setup()
    logging.disable()  # the story tells what the log would


def failed(error: Exception) -> int:
    print(f"FAILED: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    if not isinstance(error, (Untrue, SeaweedFSError)):  # these say it all, the others may not
        traceback.print_exception(error)
    return 1


if __name__ == "__main__":
    sys.exit(main())
