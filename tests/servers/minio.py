"""MinIO's client, and the storage over it, on a server that speaks S3."""

from __future__ import annotations

import urllib3
from minio import Minio
from minio_storage.storage import MinioStorage

from example.seaweedfs import REGION, SeaweedFS
from example.weed import HOST


def minio_storage(server: SeaweedFS, bucket: str, port: int | None = None) -> MinioStorage:
    """Return a storage over a bucket, which asks once; at another port, if one is given."""
    assert server.ports is not None
    client = Minio(
        f"{HOST}:{port or server.ports.s3}",
        access_key=server.access_key,
        secret_key=server.secret_key,
        secure=False,
        region=REGION,
        http_client=urllib3.PoolManager(retries=False),
    )
    return MinioStorage(client, bucket, assume_bucket_exists=True)
