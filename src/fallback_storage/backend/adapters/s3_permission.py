"""Whether a bucket could be written: asked with a request that has nothing to write."""

from __future__ import annotations

import secrets
from typing import Any

from fallback_storage.backend.permission import Permission, Writing
from fallback_storage.names import TEMPORARY
from fallback_storage.statuses import http_status, service_code

_MISSING_SOURCE = "NoSuchKey"
_FORBIDDEN = 403
# How servers refuse a request, and not who sends it.
_REFUSED = frozenset({"AccessDenied", "AllAccessDisabled", "Forbidden", "403"})
# A bucket's policy may ask for these.
_ENCRYPTION = ("ServerSideEncryption", "SSE")


def write_permission(storage: Any) -> Permission:
    """Copy an object that does not exist to a name that nobody has; return what that says.

    Raises what the client raises where the answer says nothing of a permission.
    """
    key = storage._normalize_name(f"{TEMPORARY}doctor-{secrets.token_hex(16)}")
    parameters = storage.get_object_parameters(key)
    encryption = {k: v for k, v in parameters.items() if k.startswith(_ENCRYPTION)}
    bucket = storage.bucket_name
    source = {"Bucket": bucket, "Key": f"{key}-source"}
    try:
        storage.connection.meta.client.copy_object(
            Bucket=bucket, Key=key, CopySource=source, **encryption
        )
    except Exception as error:
        code = service_code(error)
        if code == _MISSING_SOURCE:
            return Permission(Writing.CAN, "its server looked for something to copy")
        if http_status(error) == _FORBIDDEN and code in _REFUSED:
            return Permission(Writing.NOT_SEEN, "its server refused a copy: AccessDenied")
        raise
    return Permission(
        Writing.CAN, f"its server took the copy of nothing for an upload: delete {key!r}"
    )
