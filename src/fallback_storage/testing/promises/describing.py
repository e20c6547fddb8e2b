"""What is known of a file without opening it: whether it exists, its size, times, URL and path."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.test import override_settings
from django.utils import timezone

from .capabilities import Capabilities
from .material import put, refuses

_TIMES = ("accessed", "created", "modified")
#: How far a server's clock may be off.
_SKEW = timedelta(minutes=15)


class DescribingPromises(Capabilities):
    """Answers about one name."""

    def test_a_file_exists_when_it_was_saved(self) -> None:
        """And not before, nor does its neighbour."""
        storage = self.make_storage()
        assert storage.exists("file.bin") is False
        assert storage.exists(put(storage, "file.bin")) is True
        assert storage.exists("file") is False

    def test_the_size_is_the_number_of_bytes(self) -> None:
        """Zero is a size."""
        storage = self.make_storage()
        for size in (0, 1, 100_000):
            assert storage.size(put(storage, f"{size}.bin", bytes(size))) == size

    def test_the_size_of_a_missing_file_raises_file_not_found(self) -> None:
        """It is not zero."""
        with refuses(FileNotFoundError):
            self.make_storage().size("missing.bin")

    def test_times_are_aware_as_use_tz_says(self) -> None:
        """And about now; those not declared are not implemented."""
        for use_tz in (True, False):
            with override_settings(USE_TZ=use_tz):
                self._check_times(use_tz)

    def test_the_times_of_a_missing_file_raise_file_not_found(self) -> None:
        """Those that are declared."""
        storage = self.make_storage()
        for kind in sorted(self.times):
            with refuses(FileNotFoundError):
                getattr(storage, f"get_{kind}_time")("missing.bin")

    def test_the_url_is_quoted(self) -> None:
        """Whatever the name, its path unquoted ends with it."""
        storage = self.make_storage()
        name = put(storage, "a dir/a b#c?d%é.txt")
        if self.supports_url:
            url = storage.url(name)
            assert unquote(urlsplit(url).path).endswith(name)
            assert url.isascii()
            return
        with refuses(NotImplementedError):
            storage.url(name)

    def test_the_path_is_where_the_file_lies(self) -> None:
        """Python's ``open`` reads it there."""
        storage = self.make_storage()
        name = put(storage, "dir/local.bin", b"local")
        if not self.supports_path:
            with refuses(NotImplementedError):
                storage.path(name)
            return
        path = Path(storage.path(name))
        assert path.exists() is self.paths_are_real
        assert not self.paths_are_real or path.read_bytes() == b"local"

    def _check_times(self, use_tz: bool) -> None:
        storage = self.make_storage()
        name, now = put(storage, "timed.bin"), timezone.now()
        for kind in _TIMES:
            ask = getattr(storage, f"get_{kind}_time")
            if kind in self.times:
                time: datetime = ask(name)
                assert timezone.is_aware(time) is use_tz
                assert abs(time - now) < _SKEW
                continue
            with refuses(NotImplementedError):
                ask(name)
