"""How each contender's storage is built over the same members. Runs in its worker."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

from django.core.files.storage import FileSystemStorage, Storage
from django.utils.module_loading import import_string

Member = Mapping[str, Any]

_numbers = count()


def _class_of(kind: str) -> Any:
    if kind == "s3":
        from storages.backends.s3 import S3Storage

        return S3Storage
    if kind == "http":
        from fallback_storage.http import HTTPStorage

        return HTTPStorage
    return FileSystemStorage


def member(spec: Member) -> Storage:
    """Build one storage: its kind, and its options."""
    storage: Storage = _class_of(spec["kind"])(**spec["options"])
    return storage


def _bare(members: Sequence[Member]) -> Storage:
    return member(members[0])


def _combined(class_name: str, members: Sequence[Member], **options: Any) -> Storage:
    from fallback_storage import storage

    entries = [
        {"BACKEND": member(spec), "NAME": spec["name"], **spec.get("entry", {})}
        for spec in members
    ]
    combined: Storage = getattr(storage, class_name)(backends=entries, **options)
    return combined


def _original(members: Sequence[Member]) -> Storage:
    from fallback_storage.storage import FallbackStorage

    paths: Any = [_dotted_path(spec) for spec in members]
    return FallbackStorage(paths)


def _dotted_path(spec: Member) -> str:
    """Name a class that can be built without arguments, which is all the original does."""
    base = _class_of(spec["kind"])
    name = f"Member{next(_numbers)}"
    made = type(name, (base,), {"__init__": _init(base, spec["options"])})
    setattr(sys.modules[__name__], name, made)
    return f"{__name__}.{name}"


def _init(base: Any, options: Mapping[str, Any]) -> Callable[[Any], None]:
    def __init__(self: Any) -> None:  # noqa: N807
        base.__init__(self, **options)

    return __init__


def _http_fallback(members: Sequence[Member]) -> Storage:
    storage_class: Any = import_string("http_fallback_storage.FallbackStorage")
    storage: Storage = storage_class(**members[0]["options"])
    return storage


def _localdev(members: Sequence[Member]) -> Storage:
    storage_class: Any = import_string("localdevstorage.http.HttpStorage")
    local, production = members
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fallback_domain would leave the path of the URL out.
        storage: Storage = storage_class(
            **local["options"], fallback_url=production["options"]["base_url"]
        )
    return storage


RECIPES: dict[str, Callable[..., Storage]] = {
    "bare": _bare,
    "fallback": partial(_combined, "FallbackStorage"),
    "overlay": partial(_combined, "OverlayStorage"),
    "original": _original,
    "http-fallback": _http_fallback,
    "localdev": _localdev,
}
