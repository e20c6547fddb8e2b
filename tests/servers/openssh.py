"""OpenSSH's server on loopback, for the user who runs the tests."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

from example.weed import HOST

START_SECONDS = 30.0


class OpenSSH:
    """One server over the files of this machine; a context manager."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind((HOST, 0))
            self.port: int = free.getsockname()[1]

    def __enter__(self) -> Self:
        server = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
        assert server, "Install Debian's openssh-server, or what has sshd elsewhere."
        for name in ("host", "user"):
            make = [
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-f",
                f"{self._directory}/{name}",
            ]
            subprocess.run(make, check=True, stdin=subprocess.DEVNULL)
        config = self._directory / "sshd_config"
        config.write_text(
            f"ListenAddress {HOST}:{self.port}\n"
            f"HostKey {self._directory}/host\n"
            f"AuthorizedKeysFile {self._directory}/user.pub\n"
            "PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
            "PasswordAuthentication no\nMaxStartups 100\nSubsystem sftp internal-sftp\n"
        )
        if not os.getuid():
            Path("/run/sshd").mkdir(exist_ok=True)  # Where it puts what has no privileges.
        log = self._directory / "log"
        with log.open("wb") as written:
            command = [server, "-D", "-e", "-f", str(config)]
            self._process = subprocess.Popen(command, stderr=written, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._listens():
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server; the connections that there are end with it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    @property
    def params(self) -> dict[str, Any]:
        """`params` for SFTPStorage."""
        return {
            "port": self.port,
            "username": getpass.getuser(),
            "key_filename": str(self._directory / "user"),
            "allow_agent": False,
            "look_for_keys": False,
            "timeout": 30,
            "banner_timeout": 30,
            "auth_timeout": 30,
        }

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((HOST, self.port)) == 0
