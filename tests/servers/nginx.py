"""nginx over a directory, to compare answers with."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from example.parent import ending_with_parent
from example.weed import HOST

START_SECONDS = 30.0


class Nginx:
    """One server over a directory; a context manager."""

    def __init__(self, root: Path, directory: Path) -> None:
        self._root = root
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind((HOST, 0))
            self.port: int = free.getsockname()[1]

    def __enter__(self) -> Self:
        server = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        assert server, "Install Debian's nginx-light, or what has nginx elsewhere."
        config = self._directory / "nginx.conf"
        user = "user root;" if not os.getuid() else ""
        config.write_text(
            f"{user} daemon off; master_process off; pid {self._directory}/pid;"
            f" error_log {self._directory}/error.log; events {{}}"
            f" http {{ access_log off; max_ranges 1; server {{ listen {HOST}:{self.port};"
            f" location / {{ root {self._root}; }} }} }}"
        )
        command = [server, "-c", str(config), "-p", str(self._directory)]
        self._process = subprocess.Popen(ending_with_parent(command), stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._listens():
            assert self._process.poll() is None, "nginx ended"
            assert time.monotonic() < deadline, "nginx did not start"
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((HOST, self.port)) == 0
