"""How many HTTP requests each method costs: S3Storage by itself, and in a FallbackStorage."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage
from storages.backends.s3 import S3Storage

from example.seaweedfs import SeaweedFS
from fallback_storage.storage import FallbackStorage
from tests.servers.requests import counting

from .table import print_table

Ask = Callable[[Any, str], object]


def _read(storage: Storage, name: str) -> bytes:
    with storage.open(name) as file:
        content: bytes = file.read()
    return content


OPERATIONS: dict[str, Ask] = {
    "exists": lambda storage, name: storage.exists(name),
    "open": lambda storage, name: storage.open(name).close(),
    "open, read": _read,
    "size": lambda storage, name: storage.size(name),
    "get_modified_time": lambda storage, name: storage.get_modified_time(name),
    "url": lambda storage, name: storage.url(name),
    "listdir": lambda storage, name: storage.listdir("dir"),
    'delete ("first")': lambda storage, name: storage.delete(name),
}
_numbers = count()


@dataclass(frozen=True)
class Bench:
    """A directory, two buckets, and what is made of them."""

    local: Storage
    s3: S3Storage
    other: S3Storage

    def over(self, *storages: Storage) -> FallbackStorage:
        return FallbackStorage(backends=list(storages))

    def cost(self, ask: Ask, storage: Storage, *holders: Storage) -> int:
        """How many requests a question about a new name takes that `holders` have."""
        name = f"dir/{next(_numbers)}.bin"
        for holder in holders:
            holder.save(name, ContentFile(b"content"))
        # A missing file is an answer too; S3Storage says it in two ways.
        with (
            counting(self.s3, self.other) as requests,
            suppress(FileNotFoundError, ClientError),
        ):
            ask(storage, name)
        return requests.total

    def save_cost(self, storage: Storage, *holders: Storage) -> int:
        return self.cost(lambda s, name: s.save(name, ContentFile(b"new")), storage, *holders)


def print_requests() -> None:
    """Measure and print: the methods that read, then `save`."""
    with _bench() as (renaming, overwriting):
        print("## HTTP requests\n")
        print(
            "`[a, b]` is a FallbackStorage over these backends: `local` a FileSystemStorage,"
            " `s3` and `s3'` two buckets.\nWhat a method costs depends on who has the file.\n"
        )
        _print_operations(overwriting)
        print(
            "`save` of a new name. An overwriting S3Storage (its default) does not look for a"
            " free one.\n"
        )
        _print_saves(overwriting, renaming)


def _print_operations(bench: Bench) -> None:
    local, s3, other = bench.local, bench.s3, bench.other
    below, side_by_side = bench.over(local, s3), bench.over(s3, other)
    columns: dict[str, tuple[Storage, tuple[Storage, ...]]] = {
        "S3Storage: has it": (s3, (s3,)),
        "has not": (s3, ()),
        "[local, s3]: local has it": (below, (local,)),
        "s3 has it": (below, (s3,)),
        "none has": (below, ()),
        "[s3, s3']: s3 has it": (side_by_side, (s3,)),
        "s3' has it": (side_by_side, (other,)),
        "none has it": (side_by_side, ()),
    }
    rows = [
        [operation, *(str(bench.cost(ask, *_flat(column))) for column in columns.values())]
        for operation, ask in OPERATIONS.items()
    ]
    print_table(["", *columns], rows)


def _flat(column: tuple[Storage, tuple[Storage, ...]]) -> tuple[Storage, ...]:
    storage, holders = column
    return storage, *holders


def _print_saves(*benches: Bench) -> None:
    rows = []
    for bench, kind in zip(benches, ("overwriting", "renaming"), strict=True):
        local, s3, other = bench.local, bench.s3, bench.other
        storages = (s3, bench.over(local, s3), bench.over(s3, local), bench.over(s3, other))
        costs = [str(bench.save_cost(storage)) for storage in storages]
        rows.append([f"save, S3 {kind}", *costs])
    print_table(["", "S3Storage", "[local, s3]", "[s3, local]", "[s3, s3']"], rows)


@contextmanager
def _bench() -> Iterator[tuple[Bench, Bench]]:
    """The same directory and buckets twice: S3 renaming, and overwriting."""
    with SeaweedFS() as server, tempfile.TemporaryDirectory() as directory:
        buckets = [server.create_bucket(name) for name in ("bench-one", "bench-two")]
        local = FileSystemStorage(Path(directory), base_url="/media/")

        def bench(*, file_overwrite: bool) -> Bench:
            one, two = (
                S3Storage(**server.storage_options(name), file_overwrite=file_overwrite)
                for name in buckets
            )
            return Bench(local, one, two)

        yield bench(file_overwrite=False), bench(file_overwrite=True)
