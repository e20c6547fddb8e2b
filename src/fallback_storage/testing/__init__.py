"""For authors of storages: a storage that fails on demand, and the promises a storage makes."""

from .calls import Call
from .contract import StorageContract
from .faulty import FaultyStorage, RemoteFaultyStorage

__all__ = ["Call", "FaultyStorage", "RemoteFaultyStorage", "StorageContract"]
