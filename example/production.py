"""The production of the demo: a bucket full of pictures, on a real S3 server."""

from __future__ import annotations

import hashlib
from typing import NamedTuple, Self

from example.pictures import Picture
from example.seaweedfs import SeaweedFS

BUCKET = "media"


class Stored(NamedTuple):
    """What is known of an object: if any of it differs, somebody changed the object."""

    etag: str
    size: int
    modified: str
    sha256: str


#: All objects of a bucket, by key.
Snapshot = dict[str, Stored]


class Production:
    """A server that runs while the ``with`` block does, and that can be stopped in it."""

    def __init__(self) -> None:
        self.server = SeaweedFS()

    def __enter__(self) -> Self:
        self.server.__enter__()
        self.server.create_bucket(BUCKET)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()

    def environment(self) -> dict[str, str]:
        """What the site's settings need to know."""
        return {
            "PRODUCTION_ENDPOINT_URL": self.server.endpoint_url,
            "PRODUCTION_BUCKET": BUCKET,
            "PRODUCTION_ACCESS_KEY": self.server.access_key,
            "PRODUCTION_SECRET_KEY": self.server.secret_key,
        }

    def put(self, picture: Picture) -> None:
        """Store a picture, past the site."""
        self.server.client.put_object(Bucket=BUCKET, Key=picture.name, Body=picture.content)

    def snapshot(self) -> Snapshot:
        """Read all of the bucket, past the site."""
        pages = self.server.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return {key: self._stored(key) for key in keys}

    def _stored(self, key: str) -> Stored:
        answer = self.server.client.get_object(Bucket=BUCKET, Key=key)
        content = answer["Body"].read()
        modified = answer["LastModified"].isoformat()
        return Stored(answer["ETag"], len(content), modified, sha256(content))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
