"""Say what mutation testing came to, and whether that is enough: python -m tests.mutants STATS."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ENOUGH = 90.0


def main(path: str) -> None:
    stats = json.loads(Path(path).read_text())
    killed = stats["killed"] + stats["timeout"] + stats["segfault"]
    percentage = 100 * killed / stats["total"]
    sys.stdout.write(
        f"{stats['total']} mutants, {killed} killed ({percentage:.1f} %), {stats['survived']}"
        f" survived, {stats['no_tests']} met no test\n"
    )
    if percentage < ENOUGH:
        command = ".mutants/venv/bin/mutmut results"
        sys.exit(f"Fewer than {ENOUGH:g} % were killed: {command} names the others.")


if __name__ == "__main__":
    main(sys.argv[1])
