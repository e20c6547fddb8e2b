"""What remote backends there are: they differ in how they write."""

from __future__ import annotations

import hashlib

from .memory import MemoryStorage


class ObjectStorage(MemoryStorage):
    """An object store: an upload happens or does not, and a taken name is avoided."""

    def store(self, name: str, data: bytes) -> str:
        if not self.file_overwrite:
            while name in self.files:
                root, dot, extension = name.partition(".")
                name = self.get_alternative_name(root, dot + extension)
        self.files[name] = data
        return name

    def store_half(self, name: str, data: bytes) -> None:
        """Nothing is there before all of it is."""

    def remove(self, name: str) -> None:
        self.files.pop(name, None)


class AddressedStorage(ObjectStorage):
    """An object store that names each file by its content, whatever name it is given."""

    def store(self, name: str, data: bytes) -> str:
        directory, slash, base = name.rpartition("/")
        suffix = base.rpartition(".")[2]
        stored = f"{directory}{slash}{hashlib.sha256(data).hexdigest()[:8]}.{suffix}"
        self.files[stored] = data
        return stored


class InPlaceStorage(MemoryStorage):
    """A server that writes where the file will be, as FTP's and SFTP's do.

    What breaks off leaves half a file, and a save replaces what it finds.
    """

    is_lazy = True
    writes_in_place = True

    def store(self, name: str, data: bytes) -> str:
        self.files[name] = data
        return name

    def store_half(self, name: str, data: bytes) -> None:
        self.files[name] = data[: len(data) // 2]

    def remove(self, name: str) -> None:
        if name not in self.files:
            raise FileNotFoundError(name)
        del self.files[name]
