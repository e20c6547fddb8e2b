"""Runs an operation in a world, struck at each of its calls in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage, Storage, base

from fallback_storage.combined.base import CombinedStorage
from fallback_storage.storage import FallbackStorage, OverlayStorage

from .directories import Directory, OwnDisk
from .facts import ANSWERED, ENDED, RAISED, WAITS, Outcome, Run
from .hangs import TIMEOUT, Clock
from .memory import MemoryStorage, Place
from .operations import Course, Operation
from .remotes import AddressedStorage, InPlaceStorage, ObjectStorage
from .rules import complaints
from .steps import Steps
from .strikes import HUNG, KILLED, Call, Killed, Process, Strike, WaitsForever, strikes_at
from .worlds import (
    ADDRESSED,
    DISK,
    IN_PLACE,
    LOCAL,
    NAME,
    OBJECT,
    OVERLAY,
    OWN_DISK,
    Member,
    Setup,
    State,
    World,
    listing,
    served,
)


class Site:
    """The backends of one setup, the process that is struck, and one that comes after it."""

    def __init__(
        self, setup: Setup, directory: Path | None = None, clock: Clock | None = None
    ) -> None:
        self.setup = setup
        self.clock = clock
        self.process, self.next_process = Process(), Process()
        if clock is not None:
            self.process.hang = clock.hang
        self.places: list[Place | Directory] = [
            Directory(Path(str(directory), str(number))) if member.kind in LOCAL else Place()
            for number, member in enumerate(setup.members)
        ]
        roots = {n: p.root for n, p in enumerate(self.places) if isinstance(p, Directory)}
        lying = {n for n, member in enumerate(setup.members) if member.kind == OWN_DISK}
        self.steps = Steps(self.process, roots, lying) if roots else None
        self.storage = self._storage(self.process, promote=setup.promote)
        # It only looks: a promotion would change what the next question finds.
        self.next_storage = self._storage(self.next_process, promote=False)
        self._seen: dict[Any, list[str]] = {}

    def _storage(self, process: Process, *, promote: bool) -> CombinedStorage:
        # One thread each, in which opened files are read as well: all of it has a deadline.
        deadline = {} if self.clock is None else {"TIMEOUT": TIMEOUT, "THREADS": 1}
        entries = [
            {
                "BACKEND": _backend(member, self.places[number], process, number),
                "NAME": f"backend {number}",
                "READ_ONLY": member.read_only,
                "DENIED_IS_MISSING": member.denied_is_missing,
                "BREAKER": False,
                **deadline,
            }
            for number, member in enumerate(self.setup.members)
        ]
        if self.setup.cls == OVERLAY:
            return OverlayStorage(backends=entries, promote=promote)
        return FallbackStorage(
            backends=entries,
            on_fault=self.setup.on_fault,
            delete=self.setup.delete,
            promote=promote,
        )

    def fresh(self) -> Site:
        """Return one whose backends nobody has asked yet, so that none of their threads hangs."""
        return self if self.clock is None else Site(self.setup, clock=self.clock)

    def put(self, state: State) -> None:
        for place, files in zip(self.places, state, strict=True):
            place.put(files)

    def state(self) -> State:
        return tuple(place.snapshot() for place in self.places)

    def run(self, world: World, operation: Operation, strike: Strike | None = None) -> Run:
        """Let the process do one operation, and be struck at that call."""
        before = world.state()
        self.put(before)
        self.storage.members.nowhere.discard(NAME)  # Another process, to which nothing is known.
        course = Course()
        self.process.begin(strike)
        with ExitStack() as stack:
            stack.enter_context(_predictable_names())
            if self.steps is not None:
                stack.enter_context(self.steps.counted())
            outcome = _outcome(operation, self.storage, course)
            self.process.end()
            if self.clock is not None:
                self.clock.release()
        return Run(
            world,
            operation,
            strike,
            before,
            self.state(),
            outcome,
            course.handed_out,
            tuple(self.process.calls),
            tuple(self.process.failed),
        )

    def disagreements(self, state: State) -> list[str]:
        """Return where a process that comes later answers other than the model, or itself.

        What a storage answers is a function of what its backends hold: asked once for each.
        """
        key = tuple(frozenset(files.items()) for files in state)
        if key not in self._seen:
            self._seen[key] = list(self._disagreements(state))
        return self._seen[key]

    def _disagreements(self, state: State) -> Iterator[str]:
        expected = listing(self.setup, state)
        if _everything(self.next_storage) != expected:
            yield "listdir lies afterwards"
        names = {NAME, *(name for files in state for name in files if "/.wh." not in name)}
        for name in sorted(names):
            content = served(self.setup, state, name)
            if self.next_storage.exists(name) is not (content is not None):
                yield "exists lies afterwards"
            if _content(self.next_storage, name) != content:
                yield "open lies afterwards"


def _backend(member: Member, place: Any, process: Process, number: int) -> Storage:
    if isinstance(place, Directory):
        keywords: dict[str, Any] = {"allow_overwrite": True} if member.overwrites else {}
        disk = FileSystemStorage if member.kind == DISK else OwnDisk
        return disk(place.root, base_url=f"https://{number}.example/", **keywords)
    return _KINDS[member.kind](place, process, number, overwrites=member.overwrites)


@contextmanager
def _predictable_names() -> Iterator[None]:
    """Django's random suffixes are numbers: a run is the same whenever it is made."""
    numbers = count()
    real = vars(base)["get_random_string"]
    vars(base)["get_random_string"] = lambda length: f"{next(numbers):0{length}}"
    try:
        yield
    finally:
        vars(base)["get_random_string"] = real


_KINDS: dict[str, type[MemoryStorage]] = {
    OBJECT: ObjectStorage,
    IN_PLACE: InPlaceStorage,
    ADDRESSED: AddressedStorage,
}


def _outcome(operation: Operation, storage: Storage, course: Course) -> Outcome:
    try:
        return Outcome(ANSWERED, operation.run(storage, course))
    except Killed:
        return Outcome(ENDED)
    except WaitsForever:
        return Outcome(WAITS)
    except Exception as error:
        return Outcome(RAISED, error=error)


def _everything(storage: CombinedStorage, directory: str = "") -> set[str]:
    try:
        directories, files = storage.listdir(directory)
    except FileNotFoundError:
        return set()
    prefix = f"{directory}/" if directory else ""
    below = (_everything(storage, f"{prefix}{name}") for name in directories)
    return {f"{prefix}{name}" for name in files}.union(*below)


def _content(storage: CombinedStorage, name: str) -> bytes | None:
    try:
        with storage.open(name) as file:
            content: bytes = file.read()
    except FileNotFoundError:
        return None
    return content


def runs_of(
    site: Site, world: World, operation: Operation, kinds: Sequence[str], *, twice: bool = False
) -> Iterator[Run]:
    """Yield the run without a fault, and one for each way to strike each of its calls.

    `twice`: and then each call that follows, so that a recovery fails as well.
    """
    whole = site.run(world, operation)
    yield whole
    written = looks_of_a_write(whole.calls)
    for number, call in enumerate(whole.calls, start=1):
        for strike in strikes_at(number, call, kinds):
            if strike.kind == HUNG and number in written:
                continue  # A write is waited for to its end, and so is what it looks at.
            run = site.fresh().run(world, operation, strike)
            yield run
            if twice and not strike.lasting and strike.kind != KILLED:
                for again in range(number + 1, len(run.calls) + 1):
                    yield site.run(world, operation, replace(strike, again=again))


def looks_of_a_write(calls: Sequence[Call]) -> set[int]:
    """Return the calls by which a promotion looks at its target, after it has read its source."""
    first = next((n for n, call in enumerate(calls) if call.mutates), 0)
    reads = [n for n, call in enumerate(calls[:first]) if call.operation == "read"]
    if not reads:
        return set()
    target = calls[first].backend
    return {n + 1 for n in range(reads[-1] + 1, first) if calls[n].backend == target}


def judged(site: Site, run: Run) -> list[str]:
    """Return all that is wrong with a run, and with what a later process is told."""
    return [*complaints(run), *site.disagreements(run.after)]
