"""Processes that save into one combined storage, whose first backend is full now and then.

python -m tests.faults.savers <class> <directory> <saves> <"injected" or ""> makes the saves, and
says what became of them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from fallback_storage.combined.base import CombinedStorage
from fallback_storage.storage import FallbackStorage, OverlayStorage

from .steps import Steps
from .strikes import ERRORS, FULL, Process

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
PROCESSES = 4
#: The first disk: a few dozen files of a page or two, or a few more of one.
ROOM = "size=160k,nr_inodes=40"


def mounted(directory: Path) -> list[str]:
    """Return what runs a command where a small disk of its own is mounted on `directory`.

    `[]` where this user may not mount one.
    """
    mount = f'mount -t tmpfs -o {ROOM} tmpfs "$0" && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", mount, str(directory)]
    with suppress(OSError):
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return []


def storage_of(cls: str, directory: Path) -> CombinedStorage:
    disks = [FileSystemStorage(directory / name) for name in ("first", "second")]
    kind: type[FallbackStorage | OverlayStorage]
    kind = {"FallbackStorage": FallbackStorage, "OverlayStorage": OverlayStorage}[cls]
    return kind(backends=disks)


class Chancy(Process):
    """A process that finds the disk full at one step in eight that takes room."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance
        self.running = True

    def call(
        self,
        backend: int,
        operation: str,
        effect: Callable[[], T],
        *,
        mutates: bool = False,
        half: Callable[[], object] | None = None,
    ) -> T:
        takes_room = half is not None or (mutates and operation in ("open", "link"))
        if takes_room and self._chance.random() < 1 / 8:
            if half is not None:
                half()
            raise ERRORS[FULL]()
        return effect()


def save(job: Job, number: int) -> dict[str, Any]:
    """Save in step with the others; give room by removing some of its own files."""
    chance, storage = random.Random(number), storage_of(job.cls, job.directory)
    mine: dict[str, str] = {}
    in_first: list[str] = []
    refused = 0
    with ExitStack() as stack:
        if job.injected:
            steps = Steps(Chancy(chance), {0: str(job.directory / "first")})
            stack.enter_context(steps.counted())
        for each in range(job.saves):
            job.in_step.wait()
            content = f"{number} {each} ".encode() * chance.randrange(50, 800)
            try:
                # Everybody wants the same name at the same time.
                name = storage.save(f"d/{each}.bin", ContentFile(content))
            except OSError:
                refused += 1
            else:
                mine[name] = hashlib.sha256(content).hexdigest()
                if (job.directory / "first" / name).exists():
                    in_first.append(name)
            if in_first and chance.random() < 1 / 2:
                name = in_first.pop(chance.randrange(len(in_first)))
                with suppress(FileNotFoundError):  # Lost: it stays to be looked for.
                    (job.directory / "first" / name).unlink()
                    del mine[name]
    return {"mine": mine, "refused": refused, "acknowledged": job.saves - refused}


@dataclass(frozen=True)
class Job:
    """What each process does."""

    cls: str
    directory: Path
    saves: int
    injected: bool
    in_step: Barrier


def answer(job: Job, number: int, put: Callable[[Any], None]) -> None:
    """Save, and say what came of it; nobody waits for one that failed."""
    try:
        put(save(job, number))
    except BaseException:
        job.in_step.abort()
        put(None)
        raise


def run(cls: str, directory: Path, saves: int, injected: str) -> dict[str, Any]:
    """Let the processes save; return what is lost, what is double, and what they met."""
    forks = multiprocessing.get_context("fork")
    job = Job(cls, directory, saves // PROCESSES, bool(injected), forks.Barrier(PROCESSES))
    answers = forks.SimpleQueue()
    children = [
        forks.Process(target=answer, args=(job, number, answers.put))
        for number in range(PROCESSES)
    ]
    for child in children:
        child.start()
    said = [answers.get() for _ in children]
    for child in children:
        child.join()
    owners = Counter(name for each in said for name in each["mine"])
    storage = storage_of(cls, directory)
    wrong = [
        name
        for each in said
        for name, digest in each["mine"].items()
        if digest != digest_of(storage, name)
    ]
    seconds = sum(1 for name in owners if (directory / "second" / name).exists())
    return {
        "lost": wrong,
        "double": [name for name, count in owners.items() if count > 1],
        "acknowledged": sum(each["acknowledged"] for each in said),
        "in the second": seconds,
        "refused": sum(each["refused"] for each in said),
    }


def digest_of(storage: CombinedStorage, name: str) -> str:
    try:
        with storage.open(name) as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError as error:
        return type(error).__name__


def saved_by_many(cls: str, directory: Path, saves: int, *, on_small_disk: bool) -> dict[str, Any]:
    """Run the whole in a process of its own, on a small disk if this user may mount one."""
    for name in ("first", "second"):
        (directory / name).mkdir()
    prefix = mounted(directory / "first") if on_small_disk else []
    injected = "" if prefix else "injected"
    command = [sys.executable, "-m", "tests.faults.savers", cls, str(directory), str(saves)]
    done = subprocess.run(
        [*prefix, *command, injected], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main(cls: str, directory: str, saves: str, injected: str) -> None:
    settings.configure(USE_TZ=True)
    logging.disable(logging.CRITICAL)
    sys.stdout.write(json.dumps(run(cls, Path(directory), int(saves), injected)))


if __name__ == "__main__":
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    main(*sys.argv[1:])
