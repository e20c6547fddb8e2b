"""WebDAV by django-webdav-storage."""

from __future__ import annotations

from fallback_storage.backend.adapters.downloaded import Downloaded
from fallback_storage.outcomes import Outcome, classify


class WebDAV(Downloaded):
    """WebDavStorage, whose errors do not tell what the server answered."""

    def exists(self, name: str) -> bool:
        try:
            self.built.webdav("HEAD", name)
        except Exception as error:
            if classify(error) is Outcome.MISSING:
                return False
            raise
        return True

    def size(self, name: str) -> int:
        return int(self.built.webdav("HEAD", name).headers["content-length"])

    def delete(self, name: str) -> None:
        try:
            self.built.webdav("DELETE", name)
        except Exception as error:
            if classify(error) is not Outcome.MISSING:
                raise
