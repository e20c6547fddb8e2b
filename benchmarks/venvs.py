"""What the contenders import: environments of their own, pinned, in a folder that is kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
CACHE = ROOT / ".benchmark-cache"
SECONDS = 300


class NotInstalled(Exception):
    """An environment could not be made; the message is the end of what the installer said."""


def interpreter(name: str) -> Path:
    """Return the Python of an environment that holds `requirements/bench-<name>.txt`."""
    folder = CACHE / name
    python = folder / "bin" / "python"
    if _is_stale(name, folder):
        _run("venv", "--clear", "--python", sys.executable, str(folder))
        _install(name, "--python", str(python))
        _run("pip", "check", "--python", str(python))
        _stamp(name, folder)
    return python


def packages(name: str) -> Path:
    """Return a folder that holds `requirements/bench-<name>.txt` alone, to be put on the path."""
    folder = CACHE / name
    if _is_stale(name, folder):
        shutil.rmtree(folder, ignore_errors=True)
        _install(name, "--python", sys.executable, "--target", str(folder))
        _stamp(name, folder)
    return folder


def _install(name: str, *where: str) -> None:
    # The original declares Django < 1.12, and yet imports on 4.2: nothing is resolved here.
    _run("pip", "install", *where, "--no-deps", "--require-hashes", "-r", str(_pins(name)))


def _run(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", "--quiet", *arguments]
    environment = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    environment.pop("VIRTUAL_ENV", None)
    try:
        done = _finished(command, environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(type(error).__name__) from error
    if done.returncode:
        raise NotInstalled(done.stderr.strip()[-500:])


def _finished(
    command: Sequence[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def _pins(name: str) -> Path:
    return ROOT / "requirements" / f"bench-{name}.txt"


def _is_stale(name: str, folder: Path) -> bool:
    stamp = folder / ".made-of"
    return not stamp.exists() or stamp.read_text() != _identity(name)


def _stamp(name: str, folder: Path) -> None:
    (folder / ".made-of").write_text(_identity(name))


def _identity(name: str) -> str:
    return hashlib.sha256(_pins(name).read_bytes() + sys.version.encode()).hexdigest()
