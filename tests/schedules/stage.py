"""The stage: where the files are on which actors work."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory

from django.core.files.storage import Storage

from . import locks, processes, s3
from .actors import Parts
from .disk import Disk
from .runs import Choose, Run
from .stores import Bucket


class Stage:
    """A disk and a store of objects, on which one run is played after another."""

    def __init__(self, root: str) -> None:
        self.disk = Disk(root)
        self.bucket: Bucket = {}
        #: By process: a client of S3 takes long to make.
        self.s3: dict[str, Storage] = {}
        self._s3 = s3.S3(self.bucket)

    @contextmanager
    def in_turns(self) -> Iterator[None]:
        """Let all that actors do be done in turns, and nothing be left to chance."""
        with ExitStack() as stack:
            stack.enter_context(self.disk.in_turns())
            stack.enter_context(locks.in_turns())
            stack.enter_context(self._s3.in_turns())
            stack.enter_context(processes.without_chance())
            yield

    def play(self, operations: tuple[Parts, Parts], choose: Choose, *, kills: bool) -> Run:
        """Play one run of two operations."""
        locks.free_all()
        processes.forget_chances()
        run = Run(operations, choose, kills=kills, on_end=self.disk.close_all_of)
        with _untraced():
            run.play()
        return run


@contextmanager
def _untraced() -> Iterator[None]:
    """Measure no coverage: a tracer does not expect several calls to take turns in one thread."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)


@contextmanager
def staged() -> Iterator[Stage]:
    """Yield a stage in a directory of its own, in memory where there is one."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - only beneath it.
    with TemporaryDirectory(dir=memory) as root:
        yield Stage(root)
