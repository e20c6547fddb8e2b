"""Whether the public modules tell type checkers everything: part of ``make types``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: The modules whose ``__all__`` is the public interface.
PUBLIC = ("", ".errors", ".http", ".signals", ".status", ".storage", ".testing", ".views")
#: The least share of the names used in a module's interface whose types are known.
LEAST = 0.99


def report(module: str) -> Mapping[str, Any]:
    """Return what basedpyright says of a module; types that Django lacks do not count."""
    command = Path(sysconfig.get_path("scripts"), "basedpyright")
    arguments = ["--verifytypes", module, "--ignoreexternal", "--outputjson"]
    # It looks for the package where PATH finds a Python: that is to be this one.
    environment = os.environ | {"PATH": os.pathsep.join([str(command.parent), os.environ["PATH"]])}
    done = subprocess.run(
        [command, *arguments], env=environment, stdout=subprocess.PIPE, text=True
    )
    found: Mapping[str, Any] = json.loads(done.stdout)["typeCompleteness"]
    return found


def unknown(found: Mapping[str, Any]) -> list[str]:
    """Return a line for each name whose type is not known."""
    return [
        f"  {symbol['name']}: {diagnostic['message']}"
        for symbol in found["symbols"]
        if not symbol["isTypeKnown"]
        for diagnostic in symbol["diagnostics"]
        if diagnostic["severity"] == "error"
    ]


def main() -> int:
    """Print each public module's share; return 1 if one is too small."""
    failed = 0
    for name in PUBLIC:
        module = f"fallback_storage{name}"
        found = report(module)
        share = found["completenessScore"]
        print(f"{module}: {share:.1%} of the types are known")
        if share < LEAST:
            failed = 1
            print("\n".join(unknown(found)))
    return failed


if __name__ == "__main__":
    sys.exit(main())
