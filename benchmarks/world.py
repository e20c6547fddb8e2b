"""Where the files are: directories, two S3 servers, and a web site, each counted."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Self

from example.seaweedfs import SeaweedFS
from example.weed import HOST

from .calls import CONTENT
from .relay import Relay

PAGE = [f"{number:03}.bin" for number in range(200)]
LISTED = 20
POOL = 2000

#: `all/` is a page that one member has; of `half/` one has the even names, the other the odd ones.
ALL = [f"all/{name}" for name in PAGE]
HALF = [f"half/{name}" for name in PAGE]
FIRST, SECOND, NOWHERE = "first", "second", "nowhere"
#: Names that only production has, each to be asked for once: some contenders keep a copy.
POOL_NAMES = [f"pool/{number:04}.bin" for number in range(POOL)]


def _held(where: str) -> list[str]:
    return [f"{where}/{number:02}.bin" for number in range(LISTED)]


#: What each bucket has: `lower` below a directory; `one` and `two` side by side; `production`.
BUCKETS: Mapping[str, Iterable[str]] = {
    "lower": [*_held(SECOND), *HALF[1::2]],
    "one": [*_held(FIRST), *ALL, *HALF[::2]],
    "two": [*_held(SECOND), *ALL, *HALF[1::2]],
    "production": [*_held(SECOND), *HALF[1::2], *POOL_NAMES],
}
LOCAL = [*_held(FIRST), *ALL, *HALF[::2]]


class World:
    """Two SeaweedFS servers, the second with one bucket; a context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._numbers = count()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._directory = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-"))
            )
            self.first = stack.enter_context(SeaweedFS())
            self.second = stack.enter_context(SeaweedFS())
            self._fill()
            self._relays = {
                port: stack.enter_context(Relay(port))
                for port in (_port(self.first), _port(self.second), self.site_port)
            }
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def site_port(self) -> int:
        """Of the first server's plain HTTP, which serves `production` to anybody."""
        assert self.first.ports  # noqa: S101
        return self.first.ports.filer

    @property
    def requests(self) -> int:
        """How many came through the relays so far."""
        return sum(relay.requests for relay in self._relays.values())

    def directory(self) -> Path:
        """Return a new directory with the files that a first member has."""
        directory = self._directory / str(next(self._numbers))
        for name in LOCAL:
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(CONTENT)
        return directory

    def local(self, directory: Path) -> dict[str, Any]:
        """A member of a layout: a FileSystemStorage."""
        options = {"location": str(directory), "base_url": "/media/"}
        return {"kind": "local", "name": "local", "options": options}

    def s3(
        self, bucket: str, *, counted: bool = False, port: int | None = None, **more: Any
    ) -> dict[str, Any]:
        """A member: an S3Storage with its defaults, through the relay if it is to be `counted`."""
        server = self.second if bucket == "two" else self.first
        options = server.storage_options(bucket)
        del options["client_config"]  # S3Storage makes the same of the others, and it is no JSON.
        port = port or self._port(_port(server), counted)
        options |= {"endpoint_url": f"http://{HOST}:{port}", **more}
        return {"kind": "s3", "name": bucket, "options": options}

    def site(self, *, counted: bool = False, port: int | None = None) -> dict[str, Any]:
        """A member: production by HTTP."""
        port = port or self._port(self.site_port, counted)
        base_url = f"http://{HOST}:{port}/buckets/production/"
        options = {"base_url": base_url, "allow_http": True}
        return {"kind": "http", "name": "production", "options": options}

    def _port(self, port: int, counted: bool) -> int:
        return self._relays[port].port if counted else port

    def _fill(self) -> None:
        for bucket, names in BUCKETS.items():
            server = self.second if bucket == "two" else self.first
            server.create_bucket(bucket)
            put = partial(server.client.put_object, Bucket=bucket, Body=CONTENT)
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda name, put=put: put(Key=name), names))


def _port(server: SeaweedFS) -> int:
    assert server.ports  # noqa: S101
    return server.ports.s3
