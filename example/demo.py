"""``python -m example.demo``: the example site's main job, run for real and told line by line.

Then the site is left running until Ctrl-C; with ``DEMO_SERVE=0``, or where ``CI`` is set, the demo
ends instead. It ends with 0 only if all of it happened.
"""

from __future__ import annotations

import logging
import os
import sys
import textwrap
import time
import traceback
from typing import Any

from example.claims import Untrue
from example.serve import serve
from example.stage import Stage, stage
from example.weed import SeaweedFSError

LAYOUT: dict[str, Any] = {"width": 100, "subsequent_indent": " " * 4, "break_on_hyphens": False}


def main() -> int:
    try:
        with stage() as set_up:
            tell(set_up)
            if stays():
                serve(set_up.production)
    except Exception as error:
        return failed(error)
    return 0


def stays() -> bool:
    """Whether the site is left running."""
    return os.environ.get("DEMO_SERVE", "0" if os.environ.get("CI") else "1") != "0"


def tell(set_up: Stage) -> None:
    from example.story import Story  # models need Django set up

    begin = time.monotonic()
    logging.disable()  # the story tells what the log would
    for number, sentence in enumerate(Story(*set_up).tell(), 1):
        print(textwrap.fill(sentence, initial_indent=f"{number:2}. ", **LAYOUT), flush=True)
    logging.disable(logging.NOTSET)
    print(f"All of it happened, and was checked. {time.monotonic() - begin:.1f} s.", flush=True)


def failed(error: Exception) -> int:
    print(f"FAILED: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    if not isinstance(error, (Untrue, SeaweedFSError)):  # these say it all, the others may not
        traceback.print_exception(error)
    return 1


if __name__ == "__main__":
    sys.exit(main())
