"""The name returned is the name of the file, and no name leads out of the storage."""

from __future__ import annotations

from functools import partial

from django.core.exceptions import SuspiciousOperation
from django.core.files.base import ContentFile

from .capabilities import Capabilities
from .material import put, read, refuses

_PECULIAR = (
    "with space.txt",
    "ünïcödé_文.txt",
    "a#b.txt",
    "50%25.txt",
    "why?.txt",
    "a&b=c+d;.txt",
)
_OUTSIDE = ("../outside.txt", "inside/../../outside.txt")


class NamingPromises(Capabilities):
    """Names: given, changed, refused."""

    def test_the_name_returned_is_the_name_stored(self) -> None:
        """In a directory of its own, too."""
        storage = self.make_storage()
        name = put(storage, "deep/er/file.bin", b"here")
        assert name == "deep/er/file.bin"
        assert storage.exists(name)
        assert read(storage, name) == b"here"

    def test_a_name_not_given_is_the_contents(self) -> None:
        """``save(None, content)``."""
        storage = self.make_storage()
        assert storage.save(None, ContentFile(b"named", "named.bin")) == "named.bin"
        assert read(storage, "named.bin") == b"named"

    def test_a_second_save_keeps_the_first_file(self) -> None:
        """Where a name is not overwritten."""
        storage = self.make_storage()
        first, second = put(storage, "same.bin", b"first"), put(storage, "same.bin", b"2nd")
        assert read(storage, second) == b"2nd"
        assert (first == second) is self.overwrites
        assert read(storage, first) == (b"2nd" if self.overwrites else b"first")

    def test_no_name_is_longer_than_max_length(self) -> None:
        """Neither of a free name nor of a taken one, and the extension is kept."""
        storage = self.make_storage()
        for given in ("n" * 60 + ".txt", "n" * 60 + ".txt", "d/" + "n" * 38):
            name = storage.save(given, ContentFile(given.encode()), max_length=40)
            assert len(name) <= 40
            assert name.endswith(given[60:])
            assert read(storage, name) == given.encode()

    def test_peculiar_names_are_kept(self) -> None:
        """Spaces, other alphabets, and what means something in a URL."""
        storage = self.make_storage()
        for name in _PECULIAR:
            assert put(storage, name, name.encode()) == name
            assert storage.exists(name)
        assert [read(storage, name) for name in _PECULIAR] == [n.encode() for n in _PECULIAR]

    def test_nothing_is_saved_outside(self) -> None:
        """Django's ``save`` itself refuses the name."""
        storage = self.make_storage()
        for name in _OUTSIDE:
            with refuses(SuspiciousOperation):
                put(storage, name)

    def test_nothing_outside_is_looked_at(self) -> None:
        """By ``exists``, ``delete`` or ``open`` (at the first read, where it is lazy)."""
        storage = self.make_storage()
        for name in _OUTSIDE:
            if not self.refuses_traversal:
                # Not one file outside is put at risk to show that it could be.
                assert storage.exists(name) in (True, False)
                continue
            for ask in (storage.exists, storage.delete, partial(read, storage)):
                with refuses(SuspiciousOperation):
                    ask(name)
