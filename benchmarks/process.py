"""The parent's end of a worker: commands out, answers in, nothing left behind."""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self

from example.parent import ending_with_parent

from .contenders import Environment
from .venvs import ROOT

SECONDS = 120.0
STOP_SECONDS = 3.0


class WorkerError(Exception):
    """A worker said what went wrong, or ended."""


class TookTooLong(WorkerError):
    """A worker did not answer in time, and was ended."""


class Worker:
    """Contenders in a process of their own; a context manager."""

    def __init__(
        self, environment: Environment, *, prefix: Sequence[str] = (), **settings: Any
    ) -> None:
        """`prefix`: a command that runs the process, such as a profiler."""
        self._environment = environment
        self._home = tempfile.TemporaryDirectory(prefix="benchmark-home-")
        self._log = tempfile.TemporaryFile("w+")
        self._process = self._spawn(prefix)
        try:
            self.ask("configure", **settings)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, command: str, seconds: float = SECONDS, **arguments: Any) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        self.send(command, **arguments)
        return self.receive(seconds)

    def send(self, command: str, **arguments: Any) -> None:
        """Give a command."""
        assert self._process.stdin  # noqa: S101
        line = json.dumps({"do": command, **arguments}) + "\n"
        with suppress(BrokenPipeError):  # `receive` tells why it ended.
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()

    def receive(self, seconds: float = SECONDS) -> dict[str, Any]:
        """Return the answer; a worker that gives none within `seconds` is ended."""
        output = self._process.stdout
        assert output  # noqa: S101
        if not select.select([output], [], [], max(0.0, seconds))[0]:
            self._kill()
            raise TookTooLong(f"more than {seconds:.0f} s")
        line = output.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": self._last_words()}
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def close(self) -> None:
        """End the process: politely, then at once."""
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._kill()
        if self._process.stdout:
            self._process.stdout.close()
        self._log.close()
        self._home.cleanup()

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().strip().splitlines()
        return lines[-1] if lines else "ended without a word"

    def _spawn(self, prefix: Sequence[str]) -> subprocess.Popen[bytes]:
        python = str(self._environment.python())
        command = [*prefix, python, "-m", "benchmarks.worker"]
        return subprocess.Popen(
            ending_with_parent(command),
            cwd=ROOT,
            env=self._variables(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            process_group=0,
        )

    def _variables(self) -> dict[str, str]:
        # Nothing of the caller's: neither credentials nor proxies.
        return {
            "PATH": os.defpath,
            "HOME": self._home.name,
            "PYTHONPATH": str(self._environment.imports()),
            "PYTHONHASHSEED": "0",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
