"""WebDAV by django-webdav-storage."""

from __future__ import annotations

from fallback_storage.backend.adapters.asking import is_found
from fallback_storage.backend.adapters.downloaded import Downloaded


class WebDAV(Downloaded):
    """WebDavStorage, whose errors do not tell what the server answered."""

    def exists(self, name: str) -> bool:
        return is_found(lambda: self.built.webdav("HEAD", name))

    def size(self, name: str) -> int:
        return int(self.built.webdav("HEAD", name).headers["content-length"])

    def delete(self, name: str) -> None:
        is_found(lambda: self.built.webdav("DELETE", name))
