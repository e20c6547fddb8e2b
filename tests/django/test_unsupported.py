"""What no backend implements is unsupported, and what may not be written is refused."""

from __future__ import annotations

import pytest

from fallback_storage.errors import ReadOnlyStorageError, UnsupportedOperation
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage
from fallback_storage.testing.promises.material import put, read

from .operations import CALLS, WRITES, error_of

#: What the base class of all storages has no answer for.
OPTIONAL = [call for call in CALLS if call != "save"]


@pytest.mark.parametrize("call", OPTIONAL)
def test_what_no_backend_implements_is_unsupported(
    first: FaultyStorage, second: FaultyStorage, call: str
) -> None:
    for backend in (first, second):
        backend.stage(call, error=NotImplementedError).stage("exists", error=NotImplementedError)
    error = error_of(CALLS[call], FallbackStorage([first, second]))
    assert isinstance(error, UnsupportedOperation)
    assert isinstance(error, AttributeError)
    assert isinstance(error, NotImplementedError)


@pytest.mark.parametrize("call", sorted({*OPTIONAL} - {"path"}))
def test_a_backend_without_the_method_is_passed_over(
    storage: FallbackStorage, first: FaultyStorage, second: FaultyStorage, call: str
) -> None:
    put(second, "a.txt")
    first.stage(call, error=NotImplementedError)
    CALLS[call](storage)
    assert second.called(call)


@pytest.mark.parametrize("call", WRITES)
def test_without_a_writable_backend_a_write_is_refused(first: FaultyStorage, call: str) -> None:
    put(first, "a.txt")
    first.forget()
    storage = FallbackStorage([{"BACKEND": first, "READ_ONLY": True}])
    error = error_of(WRITES[call], storage)
    assert isinstance(error, ReadOnlyStorageError)
    assert isinstance(error, PermissionError)
    assert first.mutations == []
    assert read(storage, "a.txt") == b"content"


@pytest.mark.parametrize("others", [0, 1])
def test_read_only_backends_give_no_path_for_a_name_that_they_have_not(
    first: FaultyStorage, second: FaultyStorage, others: int
) -> None:
    put(first, "here.txt")
    backends = [{"BACKEND": backend, "READ_ONLY": True} for backend in (first, second)]
    storage = FallbackStorage(backends[: 1 + others])
    assert storage.path("here.txt") == first.path("here.txt")
    with pytest.raises(NotImplementedError):
        storage.path("nowhere.txt")
