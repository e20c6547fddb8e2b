"""Production as a bucket on a real S3 server."""

from __future__ import annotations

import os

from example.pictures import Picture
from example.production import Production, Snapshot, Stored, sha256
from example.seaweedfs import SeaweedFS

BUCKET = "media"


class Bucket(Production):
    """An S3 server, and its bucket."""

    kind = "a real S3 server"

    def __init__(self) -> None:
        super().__init__()
        self.server = SeaweedFS(
            access_key=os.environ.get("PRODUCTION_ACCESS_KEY"),
            secret_key=os.environ.get("PRODUCTION_SECRET_KEY"),
        )

    @property
    def address(self) -> str:
        return self.server.endpoint_url

    @property
    def running(self) -> bool:
        return self.server.running

    def freeze(self) -> None:
        self.server.pause()

    def thaw(self) -> None:
        self.server.resume()

    def environment(self) -> dict[str, str]:
        return {
            "EXAMPLE_PRODUCTION": "s3",
            "PRODUCTION_ENDPOINT_URL": self.server.endpoint_url,
            "PRODUCTION_BUCKET": BUCKET,
            "PRODUCTION_ACCESS_KEY": self.server.access_key,
            "PRODUCTION_SECRET_KEY": self.server.secret_key,
        }

    def put(self, picture: Picture) -> None:
        self.server.client.put_object(Bucket=BUCKET, Key=picture.name, Body=picture.content)

    def snapshot(self) -> Snapshot:
        pages = self.server.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return {key: self._stored(key) for key in keys}

    def _stored(self, key: str) -> Stored:
        answer = self.server.client.get_object(Bucket=BUCKET, Key=key)
        content = answer["Body"].read()
        modified = answer["LastModified"].isoformat()
        return Stored(answer["ETag"], len(content), modified, sha256(content))

    def _open(self) -> None:
        self.server.start()
        self.server.create_bucket(BUCKET)

    def _start(self) -> None:
        self.server.start()

    def _stop(self) -> None:
        self.server.stop()

    def _close(self) -> None:
        self.server.close()
