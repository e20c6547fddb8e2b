"""WsgiDAV over a directory, and a listing for WebDavStorage."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from cheroot.wsgi import Server
from django_webdav_storage.storage import WebDavStorage
from wsgidav.wsgidav_app import WsgiDAVApp

from example.weed import HOST

LISTING = f"{__name__}.listing"


class WebDAVServer:
    """One server over a directory; a context manager."""

    def __init__(self, root: Path) -> None:
        config = {
            "provider_mapping": {"/": str(root)},
            "simple_dc": {"user_mapping": {"*": True}},
            "logging": {"enable": False},
            "verbose": 0,
        }
        self._server = Server((HOST, 0), WsgiDAVApp(config), numthreads=4, shutdown_timeout=1)
        self._server.prepare()
        self._thread = threading.Thread(target=self._server.serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.bind_addr[1]}/"

    def stop(self) -> None:
        """Stop for good: from now on every connection is refused."""
        if self._thread.is_alive():
            self._server.stop()
            self._thread.join()


def listing(storage: WebDavStorage, path: str) -> tuple[list[str], list[str]]:
    """List a collection as WebDAV has it: what ``WEBDAV_LISTING_BACKEND`` names."""
    answer = storage.requests.request(
        "PROPFIND", storage.get_webdav_url(f"{path}/"), headers={"Depth": "1"}
    )
    if answer.status_code == 404:
        return [], []
    answer.raise_for_status()
    found: tuple[list[str], list[str]] = [], []
    _, *members = ElementTree.fromstring(answer.content)  # noqa: S314 - of this machine
    for member in members:
        place = unquote(urlsplit(member.findtext("{DAV:}href") or "").path)
        is_directory = member.find(".//{DAV:}collection") is not None
        found[0 if is_directory else 1].append(place.rstrip("/").rpartition("/")[2])
    return found
