"""Production as a plain website: its public media URL is all that is known of it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from example.parent import ending_with_parent
from example.pictures import Picture
from example.production import Production, Snapshot, Stored, sha256
from example.weed import HOST, listens

START_SECONDS = 30.0


class Website(Production):
    """Python's HTTP server over a folder."""

    kind = "a plain website"

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="website-")
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self._port}/"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def environment(self) -> dict[str, str]:
        return {"EXAMPLE_PRODUCTION": "http", "PRODUCTION_URL": self.address}

    def put(self, picture: Picture) -> None:
        path = Path(self._folder.name, picture.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture.content)

    def snapshot(self) -> Snapshot:
        folder = Path(self._folder.name)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): _stored(path) for path in files}

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _open(self) -> None:
        self._start()

    def _start(self) -> None:
        if self.running:
            return
        options = ["--bind", HOST, "--directory", self._folder.name, str(self._port)]
        process = self._process = subprocess.Popen(
            ending_with_parent([sys.executable, "-m", "http.server", *options]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,  # a Ctrl-C in the terminal is for the parent alone
        )
        deadline = time.monotonic() + START_SECONDS
        while not listens(self._port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The website did not start.")
            time.sleep(0.02)

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()  # it has nothing to put away
            self._process.wait()
            self._process = None

    def _close(self) -> None:
        self._stop()
        self._folder.cleanup()


def _stored(path: Path) -> Stored:
    status, content = path.stat(), path.read_bytes()
    return Stored(str(status.st_ino), len(content), str(status.st_mtime_ns), sha256(content))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
