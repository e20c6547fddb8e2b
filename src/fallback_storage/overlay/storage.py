"""Storages on top of others: what promotion and whiteouts add to a combined storage."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File

from fallback_storage.backend.backend import Backend
from fallback_storage.backend.factory import build_backend
from fallback_storage.combined import reads, writes
from fallback_storage.combined.attempts import Question
from fallback_storage.combined.base import CombinedStorage
from fallback_storage.combined.copyup import copy_up, open_promoted
from fallback_storage.conf import BackendOptions
from fallback_storage.errors import ReadOnlyStorageError, StorageUnavailable, UnsupportedOperation
from fallback_storage.outcomes import Outcome
from fallback_storage.overlay import whiteouts
from fallback_storage.overlay.whiteouts import Lower, Upper


class PromotingStorage(CombinedStorage):
    """Copies what is read up into the first writable backend, with the option ``promote``."""

    def _open_for_reading(self, name: str, mode: str) -> File[Any]:
        promotion = self.options.promotion
        if promotion is None or not self.writable_backends:
            return reads.open_with_backend(self, name, mode)[1]
        return open_promoted(self, name, mode, promotion, partial(self._is_hidden, name))

    def path(self, name: str) -> str:
        """Return the local path in the backend that has a name.

        Of a name nobody has it is the first writable backend's. ``NotImplementedError`` where
        that backend has no paths. With ``promote`` a file is copied up for it.
        """
        name = self._path_name(name)
        if self.options.promotion is not None and name:
            self._promote(name)
        return super().path(name)

    def _promote(self, name: str) -> None:
        try:
            self._open_for_reading(name, "rb").close()
        except FileNotFoundError:
            return  # A path for a new file.
        except OSError as error:
            if not _is_of_a_directory(error):
                raise

    def delete(self, name: str) -> None:
        """Delete a file, from the backends that the ``delete`` policy names."""
        if self.options.promotion is None or self.options.delete != "all" or not name:
            super().delete(name)
            return
        # Nobody brings the file back who looked for it before it was deleted.
        with ExitStack() as stack:
            for backend in self.writable_backends[:1]:
                with suppress(OSError):  # Where that fails nothing can be created either.
                    stack.enter_context(backend.locked(self._file_name(name)))
            super().delete(name)

    def _is_hidden(self, name: str) -> bool:
        """Whether a file was deleted though a lower backend has it."""
        return False


def _is_of_a_directory(error: OSError) -> bool:
    failures = error.failures.values() if isinstance(error, StorageUnavailable) else [error]
    return all(isinstance(failure, IsADirectoryError) for failure in failures)


class LayeredStorage(PromotingStorage):
    """Writes to its first backend alone; a whiteout there deletes what lies in the others."""

    writes_only_first = True

    _file_name = staticmethod(whiteouts.file_name)
    _path_name = staticmethod(whiteouts.path_name)
    _url_name = staticmethod(whiteouts.url_name)

    def _arrange(self, options: Sequence[BackendOptions]) -> tuple[Backend, ...]:
        build = partial(build_backend, owner=type(self), alone=len(options) == 1)
        upper = build(options[0], Upper)
        if isinstance(upper.storage, LayeredStorage):
            raise ImproperlyConfigured(
                f"{options[0].place}: the first backend of an overlay must not be an overlay:"
                " each would take the other's whiteouts for its own. List its backends here."
            )
        return upper, *(build(each, partial(Lower, upper=upper)) for each in options[1:])

    @property
    def _upper(self) -> Upper:
        return cast(Upper, self.backends[0])

    def _is_hidden(self, name: str) -> bool:
        return self._upper.hides(name)

    def _open_for_writing(self, name: str, mode: str) -> File[Any]:
        if self._upper.refuses_mode(mode):
            raise UnsupportedOperation(
                f"open({name!r}, {mode!r}): {self._upper.name} cannot change a file in place."
                " Save the new content instead."
            )
        if "w" not in mode and "x" not in mode and not self._upper.read_only:
            with suppress(FileNotFoundError):  # Nothing to copy up: as for any storage.
                copy_up(self, name, partial(self._is_hidden, name))
        return writes.open_file(self, name, mode)

    def delete(self, name: str) -> None:
        """Delete a file, for good: what lies in a lower backend is hidden by a whiteout."""
        if not name:
            raise ValueError("The name must be given to delete().")
        name = self._file_name(name)
        if self._upper.read_only:
            raise ReadOnlyStorageError(f"delete({name!r}): {self._upper.name} is READ_ONLY.")
        question = Question(self, "delete", name, writing=True)
        try:
            with self._changing(name):
                self._delete(name)
        except Exception as error:
            question.failed(self._upper, error)
            question.nobody()

    def _delete(self, name: str) -> None:
        upper = self._upper
        if not self._may_lie_below(name):
            upper.remove(name)
            return
        with upper.locked(name):
            # The whiteout first: a crash between leaves the file as it was, never the lower one.
            upper.hide(name)
            upper.remove(name)

    def _may_lie_below(self, name: str) -> bool:
        """Whether a lower backend has a name that is not hidden yet, or cannot tell."""
        found, question = reads.first_with(self, "delete", name, self.backends[1:], stops=False)
        return found is not None or (
            question is not None and set(question.outcomes.values()) != {Outcome.MISSING}
        )
